"""HTTP, as every cloud and forward uses it."""
