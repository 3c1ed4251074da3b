"""Documents that were registered before consent was asked get what consent must know of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from samples import MIDWIFE, entry
from sqlalchemy import Connection, text

from xds.db import open_database
from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack
from xds.model.ids import new_uuid
from xds.model.selection import EntrySelection


def test_the_holders_of_older_documents_are_read_from_their_fragments(
    empty_url: str, at_revision: Callable[[str], AbstractContextManager[Connection]]
) -> None:
    with at_revision("0002") as connection:
        connection.execute(text("INSERT INTO patient (id, cx) VALUES (1, '1^^^&1.2&ISO')"))
        for key, authors in ((1, (MIDWIFE,)), (2, ())):
            uuid = new_uuid()
            connection.execute(
                text(
                    "INSERT INTO document_entry (id, uuid, patient, unique_id, status, object_type, fragment)"
                    " VALUES (:key, :uuid, 1, '1.2', 0, 0, :fragment)"
                ),
                {"key": key, "uuid": bytes.fromhex(uuid[9:].replace("-", "")),
                 "fragment": pack(encode(entry(uuid, authors=authors)))},
            )  # fmt: skip

    opened = open_database(empty_url, create=True)
    found = opened.read_now(
        lambda reader: [each.holders for each in reader.consents.candidates(reader.entries(EntrySelection()))]
    )
    opened.close()

    assert found == [("01234567",), ()]
