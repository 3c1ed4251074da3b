"""The pages for auditors, privacy officers and administrators, under /toezicht. `add_pages` is the way in."""

from xds.pages.auditor.start import start
from xds.pages.site import AUDITORS, Site

__all__ = ["add_pages"]


def add_pages(site: Site) -> None:
    site.page("/toezicht", start, AUDITORS, label="Start")
