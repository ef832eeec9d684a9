"""`dmr demo`: the whole loop on synthetic frames."""
