"""A log that was indexed before it said whose documents a record is about is searched as before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, text

from xds.db import open_database
from xds.model.audit import LogSelection

_PAYLOAD = b'{"rule":"consent"}'


def test_an_index_of_before_gets_a_column_of_no_holders(
    empty_url: str, at_revision: Callable[[str], AbstractContextManager[Connection]]
) -> None:
    with at_revision("0011") as connection:
        leaf = {"commitment": bytes(32), "chain": bytes(32), "payload": _PAYLOAD, "salt": bytes(16)}
        for seq in range(3):
            connection.execute(
                text("INSERT INTO log_leaf VALUES (:seq, 1, :request, 0, :commitment, :chain)"),
                {**leaf, "seq": seq, "request": f"r{seq}"},
            )
            connection.execute(
                text(
                    "INSERT INTO log_record VALUES (:seq, :salt, :payload, 1000000, NULL, '', :ura, 'R', 0, 'ITI-18',"
                    " false)"
                ),
                {**leaf, "seq": seq, "ura": f"0000000{seq}"},
            )
        for dimension in range(11):
            content = bytes(range(2)) if dimension == 3 else bytes(2)
            connection.execute(
                text("INSERT INTO log_column VALUES (:dimension, 0, 2, :content)"),
                {"dimension": dimension, "content": content},
            )
        for code in range(2):
            connection.execute(text("INSERT INTO log_term VALUES (3, :code, :ura, '')"),
                               {"code": code, "ura": f"0000000{code}"})  # fmt: skip

    opened = open_database(empty_url, create=True)
    concerned = LogSelection(concerns="00000001")
    before = opened.read_now(lambda reader: reader.log.newest(concerned, None, 10))
    opened.write_now(lambda writer: writer.log.index(10))
    after = opened.read_now(lambda reader: reader.log.newest(concerned, None, 10))
    every = opened.read_now(lambda reader: reader.log.find(LogSelection(), 0, 10))
    opened.close()

    assert [line.leaf.seq for line in before] == [line.leaf.seq for line in after] == [1]
    assert len(every) == 3
