"""The pages of the log, put together."""

from __future__ import annotations

from xds.pages.auditor import searches
from xds.pages.auditor.consents import consents
from xds.pages.auditor.exports import APPROVERS, PATH, ExportPages
from xds.pages.auditor.log import client_form, find_client, find_line, log
from xds.pages.auditor.names import by_name
from xds.pages.auditor.overviews import overview, overviews
from xds.pages.auditor.record import record
from xds.pages.auditor.sample import sample
from xds.pages.auditor.sight import sight
from xds.pages.public import KEY_PATH
from xds.pages.site import AUDITORS, Site

_NUMBER = "{id:[0-9]{1,15}}"


def add_log_pages(site: Site, export_alone: int) -> None:
    site.page("/toezicht/log", by_name(log), AUDITORS, label="Logboek", listed=True)
    site.page("/toezicht/log/{seq:[0-9]{1,18}}", record, AUDITORS, listed=True)
    site.page("/toezicht/overzicht", overviews, AUDITORS, label="Overzichten")
    site.page("/toezicht/overzicht/{soort:client|dag|medewerker|dossier}", by_name(overview), AUDITORS, listed=True)
    site.page("/toezicht/steekproef", by_name(sample), AUDITORS, listed=True)
    site.page("/toezicht/toestemming", consents, AUDITORS, listed=True)
    site.page("/toezicht/kon-zien", by_name(sight), AUDITORS, listed=True)
    site.page("/toezicht/client", client_form, AUDITORS)
    site.action("/toezicht/client", find_client, AUDITORS)
    site.action("/toezicht/regel", find_line, AUDITORS)
    site.page(searches.PATH, searches.searches, AUDITORS, listed=True)
    site.action(searches.PATH, searches.save, AUDITORS)
    site.action(f"{searches.PATH}/{_NUMBER}/weg", searches.delete, AUDITORS)
    exports = ExportPages(export_alone, f"{site.base_url}{KEY_PATH}")
    site.page(PATH, exports.form, AUDITORS)
    site.action(PATH, exports.ask_for, AUDITORS)
    site.page("/toezicht/exports", exports.exports, AUDITORS, listed=True)
    site.page(f"{PATH}/{_NUMBER}", exports.export, AUDITORS)
    site.action(f"{PATH}/{_NUMBER}", exports.approve, APPROVERS)
    site.page(f"{PATH}/{_NUMBER}/bestand", exports.file, AUDITORS)
