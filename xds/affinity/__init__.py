"""Affinity domain files: the value sets and assigning authorities that a domain agreed on.

May import: model, errors, xmlio, reloading.

Two forms are read: our own TOML (see `toml`), and codes.xml, which NIST's toolkit introduced and many affinity
domains publish (see `codes_xml`). Several files make one domain together. What is wrong with a file is
Misconfigured, naming the file, the place in it and what was expected.
"""

from xds.affinity.load import Reloading, load

__all__ = ["Reloading", "load"]
