"""Questions to the log that an auditor keeps, and may share."""

from __future__ import annotations

from xds.model.bsn import holds_bsn
from xds.model.desk import SavedSearch
from xds.pages.ask import Ask, Done, Missing, Seen, View
from xds.pages.auditor.colleagues import names_of_auditors
from xds.pages.auditor.question import question_in
from xds.pages.listing import Column, Listing
from xds.ports import Writer

PATH = "/toezicht/zoekopdrachten"
_LONGEST = 100
_NO_NUMBER = "In de naam staat een burgerservicenummer. Kies een andere naam: collega's kunnen hem zien."


async def searches(ask: Ask) -> View:
    """The auditor's own, and those that others share."""
    account = _account(ask)
    return await _view(ask, account)


async def _view(ask: Ask, account: str, mistake: str = "") -> View:
    found, names = await ask.read(lambda reader: (reader.desk.searches(account), names_of_auditors(reader)))
    columns = [
        Column("name", "Naam", lambda each: each.name, link=lambda each: f"/toezicht/log?{each.words}"),
        Column("question", "Vraagt", lambda each: _words(ask, each)),
        Column("account", "Van", lambda each: names.get(each.account, each.account)),
        Column("shared", "Gedeeld", lambda each: each.shared),
    ]
    listing = Listing("zoekopdrachten", "Bewaarde zoekopdrachten", columns, found,
                      empty="Er is nog niets bewaard. U bewaart een zoekopdracht onder aan het logboek.")  # fmt: skip
    mine = [each for each in found if each.account == account]
    context = {
        "mine": mine,
        "mistake": mistake,
        "asked": ask.form.get("vraag", ""),
        "shared": ask.form.get("delen") == "ja",
    }
    seen = Seen("Bewaarde zoekopdrachten")
    return View("auditor/searches.html", seen, context, listing, status=422 if mistake else 200)


async def save(ask: Ask) -> Done | View:
    """Keep a question under a name."""
    name = " ".join(ask.form.get("naam", "").split())
    if not 0 < len(name) <= _LONGEST:
        raise Missing
    if holds_bsn(name):
        return await _view(ask, _account(ask), _NO_NUMBER)
    question = question_in(ask, ask.form.get("vraag", ""))
    new = SavedSearch(0, _account(ask), name, question.address, ask.form.get("delen") == "ja")
    seen = Seen("Zoekopdracht bewaard", (*question.words, ("gedeeld", "ja" if new.shared else "nee")))
    return Done(seen, PATH, lambda writer: _keep(writer, new))


async def delete(ask: Ask) -> Done:
    """Forget a search of one's own."""
    number, account = int(ask.match["id"]), _account(ask)
    if not any(each.id == number and each.account == account for each in await _all(ask, account)):
        raise Missing
    seen = Seen("Zoekopdracht weggegooid", (("nummer", str(number)),))
    return Done(seen, PATH, lambda writer: _forget(writer, number, account))


def _keep(writer: Writer, new: SavedSearch) -> None:
    writer.desk.save_search(new)


def _forget(writer: Writer, number: int, account: str) -> None:
    writer.desk.delete_search(number, account)


async def _all(ask: Ask, account: str) -> list[SavedSearch]:
    return await ask.read(lambda reader: reader.desk.searches(account))


def _words(ask: Ask, search: SavedSearch) -> list[str]:
    """What it asks."""
    return [f"{label}: {value}" for label, value in question_in(ask, search.words).words] or ["alles"]


def _account(ask: Ask) -> str:
    if ask.session.auditor is None:
        raise Missing
    return ask.session.auditor.account
