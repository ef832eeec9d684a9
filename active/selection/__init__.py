"""Which frame next: how much a frame has to teach, and the order that follows."""
