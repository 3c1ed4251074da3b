"""What became of hints, as every database keeps it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from xds.model.hint import Finding, Review

FIRST = Review(
    "ab" * 16, "noodknop", date(2026, 3, 28), "1^^^&1.2&ISO", "00010990", Finding.INVESTIGATE, "Gevraagd aan de arts.",
    "toezicht", "T. Ezicht", datetime(2026, 3, 29, 8, tzinfo=UTC),
)  # fmt: skip


def test_reviews_are_added_and_found_by_the_day_of_their_hint(database):
    second = FIRST._replace(finding=Finding.UNLAWFUL, remark="", at=datetime(2026, 3, 30, 8, tzinfo=UTC))
    older = FIRST._replace(hint="cd" * 16, day=date(2026, 3, 1))
    for review in (FIRST, older, second):
        database.write_now(lambda writer, review=review: writer.hints.add_review(review))

    assert database.read_now(lambda reader: reader.hints.reviews(date(2026, 3, 28))) == [FIRST, second]
    assert database.read_now(lambda reader: reader.hints.reviews(date(2026, 3, 1))) == [FIRST, older, second]
    assert database.read_now(lambda reader: reader.hints.reviews(date(2026, 3, 29))) == []


def test_a_client_is_found_by_a_surname_that_few_have(database):
    rare, common, unknown = (bytes([number]) * 16 for number in (1, 2, 3))
    patients = [bytes([number]) * 16 for number in (7, 8, 9)]

    def know(writer) -> None:
        for patient in patients:
            writer.hints.add_surnames(patient, (common,))
        writer.hints.add_surnames(patients[0], (rare, common))

    for _ in range(2):
        database.write_now(know)

    def found(most: int) -> dict[bytes, list[bytes]]:
        return database.read_now(lambda reader: reader.hints.bearers({rare, common, unknown}, most))

    assert found(2) == {rare: patients[:1]}
    assert {surname: sorted(of) for surname, of in found(3).items()} == {rare: patients[:1], common: patients}
    assert database.read_now(lambda reader: reader.hints.bearers(set(), 3)) == {}
