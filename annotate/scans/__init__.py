"""Scans become frames: find image files, read their pixels, find the sector, give them pseudonymous names."""
