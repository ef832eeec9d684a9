"""Foreign files <-> our values: Labelme, COCO, index masks, the ranking as CSV."""
