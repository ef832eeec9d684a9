"""Which frames to correct next, and the cycle from scans to a better model."""
