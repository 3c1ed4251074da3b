"""GetAssociations: every association that touches these objects. Source: ITI TF-2: 3.18.4.1.2.3.7.7."""

from __future__ import annotations

from typing import Any

from xds.model.selection import AssociationSelection
from xds.model.stored import Found
from xds.ports import Reader
from xds.registry.stored_query import HOME, Parameter, StoredQuery, reference


def answer(values: dict[str, Any], reader: Reader, limit: int) -> Found:
    """One SELECT."""
    return Found(associations=reader.associations(AssociationSelection(ends=values["uuids"]), limit))


QUERY = StoredQuery(
    id="urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155",
    name="GetAssociations",
    section="ITI TF-2: 3.18.4.1.2.3.7.7",
    parameters=(Parameter("$uuid", "uuids", reference, required=True), HOME),
    answer=answer,
)
