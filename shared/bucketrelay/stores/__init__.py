"""One adapter a cloud; each is the only importer of its SDK."""
