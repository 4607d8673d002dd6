"""Telling somebody else to move an object."""
