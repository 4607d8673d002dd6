"""Taking stock: the tables of the inventory made equal to what the stores hold."""

from bucketrelay.drivers.inventory.jobs import InventorySync, inventory_kinds
from bucketrelay.drivers.inventory.one import Keeper, StoreFacts
from bucketrelay.drivers.inventory.whole import Stock, take_stock

__all__ = ["InventorySync", "Keeper", "Stock", "StoreFacts", "inventory_kinds", "take_stock"]
