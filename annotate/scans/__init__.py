"""Scans in, frames out: which files are images, their pixels, their sector, our names for them."""
