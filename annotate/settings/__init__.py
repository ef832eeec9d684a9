"""`dmr.toml`: its keys, reading and writing it."""
