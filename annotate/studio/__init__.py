"""Label Studio: a server of our own or one that is there, frames pushed, annotations pulled."""
