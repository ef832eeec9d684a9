"""Which frames come next: how much a frame can teach, and the order that follows."""
