"""`dmr convert`: from one file format to another, without a workspace."""
