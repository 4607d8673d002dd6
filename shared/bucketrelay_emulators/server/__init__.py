"""Serving HTTP and TLS."""
