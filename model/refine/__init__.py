"""From a box, and clicks inside or outside, to an outline; learnt from the workspace's own outlines."""
