"""Which file a frame is from: a private index on this computer, and `dmr where`."""
