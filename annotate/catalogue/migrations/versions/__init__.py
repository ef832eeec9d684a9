"""One script a step, in the order of their numbers."""
