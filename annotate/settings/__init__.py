"""`dmr.toml`: what it may hold, read and written."""
