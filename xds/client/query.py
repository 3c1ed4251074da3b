"""The request of ITI-18: which stored query, and its parameters in the coding of the standard.

Source: ITI TF-2: 3.18.4.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree
from lxml.etree import QName, _Element

from xds.ebrim.vocabulary import QUERY, RIM

QUERIES = {
    "FindDocuments": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
    "FindSubmissionSets": "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
    "FindFolders": "urn:uuid:958f3006-baad-4929-a4de-ff1114824431",
    "GetAll": "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3",
    "GetDocuments": "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
    "GetFolders": "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4",
    "GetAssociations": "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155",
    "GetDocumentsAndAssociations": "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a",
    "GetSubmissionSets": "urn:uuid:51224314-5390-4169-9b91-b1980040715a",
    "GetSubmissionSetAndContents": "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83",
    "GetFolderAndContents": "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7",
    "GetFoldersForDocument": "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578",
    "GetRelatedDocuments": "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6",
    "FindDocumentsByReferenceId": "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
}
"""The stored queries by name. Source: ITI TF-2: 3.18.4.1.2.4."""


class Verbatim(tuple[str, ...]):
    """Values in the coding of the standard already, each for a slot of its own."""


Value = str | int | Sequence[str] | Sequence[Sequence[str]] | Verbatim
"""One text or number; several texts, of which any matches; or several such lists, which must all match."""


def query_request(name: str, parameters: Mapping[str, Value], return_type: str) -> _Element:
    """The AdhocQueryRequest of a stored query by its name, or by its id; ValueError when there is no such name."""
    identifier = name if name.startswith("urn:uuid:") else QUERIES.get(name)
    if identifier is None:
        raise ValueError(f"there is no stored query {name}; there are: {', '.join(QUERIES)}")
    request = etree.Element(QName(QUERY, "AdhocQueryRequest"), nsmap={"query": QUERY, "rim": RIM})
    option = etree.SubElement(request, QName(QUERY, "ResponseOption"))
    option.set("returnComposedObjects", "true")
    option.set("returnType", return_type)
    query = etree.SubElement(request, QName(RIM, "AdhocQuery"), id=identifier)
    for parameter, value in parameters.items():
        for coded in coded_values(parameter, value):
            slot = etree.SubElement(query, QName(RIM, "Slot"), name=parameter)
            values = etree.SubElement(slot, QName(RIM, "ValueList"))
            etree.SubElement(values, QName(RIM, "Value")).text = coded
    return request


_SINGLE = ("PatientId", "From", "To", "homeCommunityId", "$XDSSubmissionSetAuthorPerson", "$MetadataLevel")
_SINGLE_OBJECT = ("GetSubmissionSetAndContents", "GetFolderAndContents", "GetFoldersForDocument", "GetRelatedDocuments")


def takes_list(name: str, parameter: str) -> bool:
    """Whether a parameter of this stored query is a list, which has parentheses even around one value.

    Source: ITI TF-2: 3.18.4.1.2.3.7.
    """
    if parameter.endswith(_SINGLE) or parameter == "$patientId":
        return False
    return not (name in _SINGLE_OBJECT and parameter.endswith(("EntryUUID", "UniqueId", "$uuid", "$uniqueId")))


def coded_values(parameter: str, value: Value) -> list[str]:
    """A parameter's value as the standard writes it: one text for each slot of that name.

    Source: ITI TF-2: 3.18.4.1.2.3.5.
    """
    if isinstance(value, Verbatim):
        return list(value)
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, str):
        # A time is a number.
        return [value if _is_time(parameter, value) else _quoted(value)]
    lists = [value] if all(isinstance(item, str) for item in value) else value
    return [f"({','.join(_quoted(item) for item in items)})" for items in lists]


def _is_time(parameter: str, value: str) -> bool:
    return parameter.endswith(("From", "To")) and re.fullmatch("[0-9]+", value) is not None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
