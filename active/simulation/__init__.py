"""A simulated physician, for demonstrations and measurements."""
