"""For whoever adds a store: a strict one in memory, and the suite that every store passes. docs/adding-a-store.md."""
