"""The file that a frame came from: a private index on this computer, and `dmr where`."""
