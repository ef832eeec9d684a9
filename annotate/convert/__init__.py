"""`dmr convert`: convert between file formats, without a workspace."""
