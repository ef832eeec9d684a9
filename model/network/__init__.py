"""DMRNet: its modules, the network, and its file on disk."""
