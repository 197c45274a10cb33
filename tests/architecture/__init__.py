"""Tests that guard the shape of the house; they walk what exists and hold as it grows."""
