"""DMRNet: its modules, the network, and its files on disk."""
