"""The pages for everybody. `add_pages` is the way in."""

from xds.pages.public.home import home
from xds.pages.public.organisations import organisations
from xds.pages.site import Site

__all__ = ["add_pages"]


def add_pages(site: Site) -> None:
    site.public("/", home)
    site.public("/organisaties", organisations, label="Aangesloten organisaties", listed=True)
