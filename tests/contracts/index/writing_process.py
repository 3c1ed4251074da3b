"""Register documents from a process of its own: `writing_process.py URL NAME COUNT`.

Prints the uniqueId of each as soon as its registration was acknowledged. COUNT 0 goes on until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from index_objects import MARIA, a_holding, a_set, an_association, an_entry, coded, fragment

from xds.db import Database, open_database
from xds.db.writer import Writer

CALLERS = 8


def change(unique_id: str, number: int) -> object:
    entry = an_entry(unique_id=unique_id, class_code=coded(f"class{number // 10}"))
    submission_set = a_set(unique_id=f"set of {unique_id}")
    objects = (submission_set, entry, an_association(submission_set.entry_uuid, entry.entry_uuid))

    def run(writer: Writer) -> None:
        writer.insert([(thing, fragment(thing)) for thing in objects], writer.patient(MARIA) or 0)
        writer.hold([a_holding(unique_id)])

    return run


async def write_all(database: Database, name: str, count: int) -> None:
    numbers = iter(range(count) if count else itertools.count())

    async def caller() -> None:
        for number in numbers:
            unique_id = f"{name}.{number}"
            await database.write(change(unique_id, number))
            print(unique_id, flush=True)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


if __name__ == "__main__":
    url, name, count = sys.argv[1:]
    database = open_database(url)
    asyncio.run(write_all(database, name, int(count)))
    database.close()
