"""Taking stock: the tables of the inventory made equal to what the stores hold."""

from bucketrelay.drivers.inventory.jobs import InventorySync, inventory_kinds
from bucketrelay.drivers.inventory.one import Keeper, StoreFacts
from bucketrelay.drivers.inventory.whole import SyncTotals, sync_store

__all__ = ["InventorySync", "Keeper", "StoreFacts", "SyncTotals", "inventory_kinds", "sync_store"]
