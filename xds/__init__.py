"""IHE XDS.b Document Registry and Repository for Dutch birth care."""

__version__ = "0.1.0"
