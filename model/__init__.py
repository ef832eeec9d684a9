"""DMRNet: the network, its training, its predictions and their evaluation."""
