"""What auditors are called on the pages of their colleagues."""

from __future__ import annotations

from xds.ports import Reader


def names_of_auditors(reader: Reader) -> dict[str, str]:
    """Their names by account, with the account, because names may be alike."""
    return {each.account: f"{each.name} ({each.account})" for each in reader.viewers.auditors()}
