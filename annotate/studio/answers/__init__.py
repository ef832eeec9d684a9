"""Label Studio's JSON as values; every odd value is found here."""
