"""What foreign labels and file names mean: recognised, or proposed for a new `dmr.toml`."""
