"""From labelled frames to a model version: planned, run, interrupted, resumed, finished."""
