"""DMRNet: its modules, training, prediction and metrics."""
