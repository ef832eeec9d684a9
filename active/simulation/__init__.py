"""A simulated physician, for demos and measurements."""
