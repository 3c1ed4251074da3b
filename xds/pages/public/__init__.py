"""The pages for everybody. `add_pages` is the way in."""

from xds.pages.public.explanation import how_it_works, your_rights
from xds.pages.public.home import home
from xds.pages.public.key import KEY_PATH, KeyPage
from xds.pages.public.organisations import OrganisationsPage
from xds.pages.site import Site

__all__ = ["KEY_PATH", "add_pages"]


def add_pages(site: Site) -> None:
    site.public("/", home)
    site.public("/zo-werkt-het", how_it_works, label="Zo werkt het")
    site.public("/uw-rechten", your_rights, label="Uw rechten")
    site.public("/organisaties", OrganisationsPage(site.sources.policy), label="Aangesloten organisaties", listed=True)
    site.public(KEY_PATH, KeyPage(site.sources.signer), listed=True)
