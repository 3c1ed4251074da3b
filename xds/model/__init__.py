"""The standard's objects as immutable values, in the standard's terms.

May import: errors. No I/O, no XML, no SQL: everything here is pure and cheap to construct.

Attribute names are the mechanical snake_case of ITI TF-3 Table 4.2.3.2-1. Attributes hold text as it was
transmitted (an empty or absent one is None or an empty tuple), so that a message with mistakes can still be
represented, judged as a whole and reported in one answer; `registry.rules` says what a valid one is.
"""
