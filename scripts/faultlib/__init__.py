"""Scenarios of scripts/faults: a server on loopback, submitters, and the question what survived."""
