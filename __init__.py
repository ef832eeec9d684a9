"""dmr: annotation and active learning for ultrasound anatomy."""

__version__ = "0.1.0"
