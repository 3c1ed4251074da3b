"""Records that are taken away: asked for, approved by a second person where they are many, and sent.

What is taken is fixed when it is asked for: the records below a seq that meet a question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from xds.model.audit import Kept, LogSelection
from xds.model.desk import Export
from xds.model.hl7 import CX, parse_cx
from xds.model.viewer import Auditor, Role
from xds.pages.ask import Ask, Done, File, Missing, Seen, View
from xds.pages.auditor.colleagues import names_of_auditors
from xds.pages.auditor.export_forms import FORMS, PDF_MOST, Lines, Taken
from xds.pages.auditor.log import lines_of
from xds.pages.auditor.question import Question, question_in, question_of
from xds.pages.listing import Column, Listing, grouped
from xds.ports import Reader, Writer

PATH = "/toezicht/export"
_LASTS = timedelta(days=7)
_AT_ONCE = 500
_TELL_AFTER, _STANDS_STILL = timedelta(seconds=1), timedelta(seconds=60)
_KIND = "log-export"
APPROVERS = frozenset({Role.PRIVACY_OFFICER})


@dataclass(frozen=True, slots=True)
class ExportPages:
    """The pages of exports. More records than `alone` take a second person; at `key_address` the log's key is found."""

    alone: int
    key_address: str

    async def form(self, ask: Ask) -> View:
        """What would be taken away, and in which form."""
        question = question_of(ask)
        _, total = await self._extent(ask, question, "csv")
        return self._choosing(question, total)

    def _choosing(self, question: Question, total: int, error: str = "") -> View:
        forms = [(name, each.label) for name, each in FORMS.items()]
        context = {"question": question, "total": total, "forms": forms, "alone": self.alone, "error": error}
        context["numbered"] = [each.label for each in FORMS.values() if each.numbered]
        seen = Seen("Export kiezen", question.words)
        return View("auditor/export.html", seen, context, status=422 if error else 200)

    async def ask_for(self, ask: Ask) -> Done | View:
        """Keep what is asked for; one that is small needs nobody else."""
        form = ask.form.get("vorm", "")
        if form not in FORMS:
            raise Missing
        question = question_in(ask, ask.form.get("vraag", ""))
        below, total = await self._extent(ask, question, form)
        if form == "pdf" and total > PDF_MOST:
            said = f"Een PDF/A heeft hoogstens {PDF_MOST} regels: kies een kortere periode, of een andere vorm."
            return self._choosing(question, total, said)
        if form == "bewijs" and not below:
            return self._choosing(question, total, "Er is nog niets verzegeld. Probeer het over een minuut nog eens.")
        auditor = _auditor(ask)
        new = Export(0, auditor.account, auditor.organisation, question.address, form, below, total, ask.now)
        seen = Seen("Export gevraagd", (*question.words, ("vorm", form), ("regels", str(total))), kind=_KIND)
        return Done(seen, PATH + "s", lambda writer: _keep(writer, new))

    async def exports(self, ask: Ask) -> View:
        """The exports of the last days that this auditor asked for, or may approve."""
        auditor = _auditor(ask)
        kept, names = await ask.read(lambda reader: (reader.desk.exports(ask.now - _LASTS), names_of_auditors(reader)))
        mine = [each for each in kept if each.account == auditor.account or self._may_approve(auditor, each)]
        columns = [
            Column("asked", "Gevraagd", lambda each: each.asked),
            Column("account", "Door", lambda each: names.get(each.account, each.account)),
            Column("form", "Vorm", lambda each: FORMS[each.form].label),
            Column("total", "Regels", lambda each: each.total, number=True),
            Column("state", "Stand", lambda each: self._state(ask, auditor, each),
                   link=lambda each: f"{PATH}/{each.id}"),
        ]  # fmt: skip
        listing = Listing("exports", "Exports van de laatste zeven dagen", columns, mine,
                          empty="Er zijn geen exports. U vraagt er een bij het logboek.")  # fmt: skip
        return View("auditor/exports.html", Seen("Exports"), {}, listing)

    async def export(self, ask: Ask) -> View:
        """One export: what it is, and what can be done with it now."""
        found, auditor = await self._found(ask), _auditor(ask)
        context = {
            "export": found,
            "names": await ask.read(names_of_auditors),
            "label": FORMS[found.form].label,
            "numbered": FORMS[found.form].numbered,
            "question": question_in(ask, found.words),
            "state": self._state(ask, auditor, found),
            "sending": _is_sending(ask, found),
            "mine": found.account == auditor.account,
            "ready": self._ready(found),
            "may_approve": self._may_approve(auditor, found),
        }
        return View("auditor/export_one.html", Seen("Export", (("nummer", str(found.id)),)), context)

    async def approve(self, ask: Ask) -> Done:
        """Approve the export of somebody else."""
        found, auditor = await self._found(ask), _auditor(ask)
        if not self._may_approve(auditor, found):
            raise Missing
        words = (("nummer", str(found.id)), ("gevraagd door", found.account), ("regels", str(found.total)))

        def change(writer: Writer) -> None:
            if not writer.desk.approve_export(found.id, auditor.account):
                raise Missing

        return Done(Seen("Export goedgekeurd", words, kind=_KIND), f"{PATH}/{found.id}", change)

    async def file(self, ask: Ask) -> File:
        """The records, for who asked for them."""
        found = await self._found(ask)
        if found.account != _auditor(ask).account or not self._ready(found):
            raise Missing
        question, form = question_in(ask, found.words), FORMS[found.form]
        seen = Seen(
            f"Export: {form.label}",
            (*question.words, ("nummer", str(found.id)), ("regels", str(found.total))),
            await self._patients(ask, question, found),
            _KIND,
        )
        signer = await asyncio.to_thread(ask.sources.signer) if found.form == "bewijs" else None
        lines = self._lines(ask, question.selection, found)
        taken = Taken(question, lines, found.below, signer, self.key_address)
        return File(seen, f"logboek-{found.id}.{form.suffix}", form.content_type, form.make(ask, taken))

    async def _lines(self, ask: Ask, selection: LogSelection, export: Export) -> Lines:
        first = sent = 0
        told = ask.sources.clock()
        await _tell(ask, export, 0)
        while True:
            some = await ask.read(lambda reader, first=first: reader.log.find(selection, first, _AT_ONCE))
            within = [kept for kept in some if kept.leaf.seq < export.below]
            if within:
                yield within
                sent += len(within)
            if len(within) < _AT_ONCE:
                await _tell(ask, export, export.total)
                return
            if ask.sources.clock() - told > _TELL_AFTER:
                told = ask.sources.clock()
                await _tell(ask, export, sent)
            first = within[-1].leaf.seq + 1

    async def _extent(self, ask: Ask, question: Question, form: str) -> tuple[int, int]:
        """Below which seq, and how many records: a bundle has only what is under a checkpoint."""

        def look(reader: Reader) -> tuple[int, int]:
            note = reader.log.newest_note()
            below = (note.size if note else 0) if form == "bewijs" else reader.log.head().size
            return below, reader.log.sample(question.selection, below, lambda total: [])[0]

        return await ask.read(look)

    async def _patients(self, ask: Ask, question: Question, export: Export) -> tuple[CX, ...]:
        """Whose data are taken: all clients of a small export, and of a large one the client that it is about."""
        if export.total > self.alone and not question.selection.patient:
            return ()
        most = 1 if question.selection.patient else max(export.total, 1)
        some: Sequence[Kept] = await ask.read(lambda reader: reader.log.find(question.selection, 0, most))
        numbers = (line.record.patient for line in lines_of(ask, list(some)) if line.seq < export.below)
        return tuple(map(parse_cx, dict.fromkeys(number for number in numbers if number is not None)))

    async def _found(self, ask: Ask) -> Export:
        """The export of the address; Missing unless it is the auditor's own, or one to approve."""
        found = await ask.read(lambda reader: reader.desk.export(int(ask.match["id"])))
        auditor = _auditor(ask)
        if found is None or found.asked < ask.now - _LASTS:
            raise Missing
        if found.account != auditor.account and not self._may_see(auditor, found):
            raise Missing
        return found

    def _may_see(self, auditor: Auditor, export: Export) -> bool:
        return auditor.role in APPROVERS and auditor.organisation in (None, export.organisation)

    def _may_approve(self, auditor: Auditor, export: Export) -> bool:
        return self._may_see(auditor, export) and export.account != auditor.account and not self._ready(export)

    def _ready(self, export: Export) -> bool:
        return export.approver is not None or export.total <= self.alone

    def _state(self, ask: Ask, auditor: Auditor, export: Export) -> str:
        if not self._ready(export):
            return "wacht op een tweede persoon" if export.account == auditor.account else "wacht op uw goedkeuring"
        if export.sent is None:
            return "klaar om op te halen"
        if export.sent >= export.total:
            return "opgehaald"
        so_far = f"{grouped(export.sent)} van {grouped(export.total)} regels"
        return f"{so_far} verstuurd" if _is_sending(ask, export) else f"afgebroken na {so_far}: haal het opnieuw op"


def _auditor(ask: Ask) -> Auditor:
    if ask.session.auditor is None:
        raise Missing
    return ask.session.auditor


def _is_sending(ask: Ask, export: Export) -> bool:
    """Whether somebody is fetching it: what stands still was broken off, or its process was."""
    if export.sent is None or export.sent_at is None or export.sent >= export.total:
        return False
    return ask.now - export.sent_at < _STANDS_STILL


async def _tell(ask: Ask, export: Export, sent: int) -> None:
    """Keep how far an export is, for every process that shows it."""
    at = ask.sources.clock()
    await ask.sources.index.write(lambda writer: writer.desk.set_sent(export.id, sent, at))


def _keep(writer: Writer, new: Export) -> None:
    writer.desk.ask_export(new)
