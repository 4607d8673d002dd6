"""The clouds: everything that knows one of them, a folder each, and what they share."""
