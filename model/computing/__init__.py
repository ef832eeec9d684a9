"""What computes: processor, precision, threads, and libraries kept from reporting."""
