"""Label Studio: a local or an existing server; push frames to it, pull annotations from it."""
