"""Drives a server through tests of the NIST XDS Toolkit testkit. Imports nothing of the product."""
