"""The meaning of labels and file names from outside: recognised, or proposed for a new `dmr.toml`."""
