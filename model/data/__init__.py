"""Labelled frames as the network learns from them."""
