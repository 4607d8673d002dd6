"""Serving HTTP, TLS, and the proxy that injects faults."""
