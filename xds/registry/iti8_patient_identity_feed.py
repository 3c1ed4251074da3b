"""ITI-8 Patient Identity Feed: what it changes in the registry. Source: ITI TF-2: 3.8.4.1.3 and 3.8.4.2.3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from xds.ebrim.encode import encode
from xds.ebrim.fragment import pack, unpack
from xds.ebrim.objects import decode_fragment
from xds.model.audit import Entry
from xds.ports import Writer
from xds.transaction import Registry


async def feed(registry: Registry, patients: Mapping[str, date | None], entries: Sequence[Entry] = ()) -> None:
    """Make patients known, by CX text, each with the birth date; None leaves what is known of it as it is.

    `entries` are the log's records of that, and become durable with it.
    """

    def change(writer: Writer) -> None:
        for patient_id, birth_date in patients.items():
            writer.add_patient(patient_id)
            patient = writer.patient(patient_id)
            if birth_date is not None and patient is not None:
                writer.consents.set_birth_date(patient, birth_date)
        writer.record(entries)

    await registry.index.write(change)


async def merge(registry: Registry, merges: Sequence[tuple[str, str]], entries: Sequence[Entry] = ()) -> None:
    """Move all of each first patient to the second, one after the other, all or nothing, with the log's records.

    The fragments of what moves name the surviving patient from then on. ValueError when a surviving patient was merged
    away itself or is the other one. Repeating a merge changes nothing. Source: ITI TF-2: 3.8.4.2.3.
    """

    def change(writer: Writer) -> None:
        for subsumed, surviving in merges:
            moved = [
                replace(decode_fragment(unpack(stored.fragment)), patient_id=surviving)
                for stored in writer.merge_patient(subsumed, surviving)
            ]
            writer.replace([(item, pack(encode(item))) for item in moved])
        writer.record(entries)

    await registry.index.write(change)
