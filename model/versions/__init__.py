"""The model versions of a workspace: load, judge, describe, promote and export them."""
