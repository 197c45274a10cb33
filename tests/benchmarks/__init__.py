"""Benches: each measures one thing beside a program that shows what this machine can do at all.

They are no tests: figures belong to machines. ``bin/bench NAME`` runs one and prints JSON.
"""
