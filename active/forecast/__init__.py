"""What more labelled frames would bring, and whether they still pay."""
