"""The pages for clients, under /mijn. `add_pages` is the way in."""

from xds.pages.site import Site

__all__ = ["add_pages"]


def add_pages(site: Site) -> None:
    """None yet."""
