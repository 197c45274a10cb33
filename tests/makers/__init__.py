"""Rows for tests, made through the same verbs the program uses."""
