"""What the emulated services have in common: buckets, objects, faults."""
