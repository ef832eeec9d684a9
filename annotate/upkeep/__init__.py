"""The upkeep of a workspace: checked, mended, rebuilt, backed up and restored."""
