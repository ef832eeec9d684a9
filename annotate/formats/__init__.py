"""File formats <-> dmr's values: Labelme, COCO, index masks, the ranking as CSV."""
