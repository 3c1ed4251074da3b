"""Registry objects from the model to XML text, in one fixed order. Source: ebRIM 3.0; ITI TF-3: 4.2.

The prefix rim: must be bound where the text is put.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from xds.ebrim.vocabulary import AUTHOR_SLOTS, KINDS, Kind
from xds.model.coded import Author, LocalizedString
from xds.model.objects import AnyObject, Association, DocumentEntry

_HOME = re.compile(rb'(<rim:\w+ id="[^"]*")( home="[^"]*")?')
_HEAD = 256
"""Bytes within which the home of a fragment stands."""
_SPECIAL = re.compile(r'[&<>"\t\n\r]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text for an attribute or an element."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)


def encode(item: AnyObject) -> bytes:
    """One registry object as UTF-8, without namespace declarations: its fragment."""
    kind = KINDS[type(item)]
    tag = "ExtrinsicObject" if kind.type is DocumentEntry else "RegistryPackage"
    if kind.type is Association:
        tag = "Association"
    ids = _Ids(item.entry_uuid)
    parts = [f"<rim:{tag}{_attributes(item)}>"]
    for name, spelling in kind.slots.items():
        value = getattr(item, spelling.field)
        if value:
            parts.append(slot(name, value if spelling.several else (value,)))
    parts += [slot(name, values) for name, values in item.extra_slots]
    parts.append(_strings("Name", item.names))
    parts.append(_strings("Description", item.descriptions))
    if item.version:
        parts.append(f'<rim:VersionInfo versionName="{escape(item.version)}"/>')
    parts += _classifications(item, kind, ids)
    parts += _identifiers(item, kind, ids)
    parts.append(f"</rim:{tag}>")
    return "".join(parts).encode()


def at_home(fragment: bytes, home: str) -> bytes:
    """A fragment with this homeCommunityId, whichever it was encoded with or without."""
    mark = f' home="{escape(home)}"'.encode()
    if fragment.find(mark, 0, _HEAD) >= 0:
        return fragment
    return _HOME.sub(lambda match: match[1] + mark, fragment, 1)


class _Ids:
    """Ids for the parts of an object: its own UUID with the last two bytes varied, so that they compress well."""

    def __init__(self, entry_uuid: str):
        self.owner = escape(entry_uuid)
        self.count = 0
        try:
            self.head, self.tail = entry_uuid[:-4], int(entry_uuid[-4:], 16)
        except ValueError:
            self.head = None
        if not entry_uuid.startswith("urn:uuid:"):
            self.head = None

    def next(self) -> str:
        self.count += 1
        if self.head is None:
            return f"{self.owner}_{self.count}"
        return f"{self.head}{self.tail ^ self.count:04x}"


def _attributes(item: AnyObject) -> str:
    text = f' id="{escape(item.entry_uuid)}"'
    if item.home_community_id:
        text += f' home="{escape(item.home_community_id)}"'
    if item.logical_id:
        text += f' lid="{escape(item.logical_id)}"'
    if isinstance(item, DocumentEntry):
        text += f' objectType="{escape(item.object_type)}"'
    elif isinstance(item, Association):
        text += ' objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"'
    else:
        text += ' objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:RegistryPackage"'
    if item.availability_status:
        text += f' status="{item.availability_status.urn}"'
    if isinstance(item, DocumentEntry):
        if item.mime_type:
            text += f' mimeType="{escape(item.mime_type)}"'
    elif isinstance(item, Association):
        text += (
            f' associationType="{escape(item.association_type)}" sourceObject="{escape(item.source_object)}"'
            f' targetObject="{escape(item.target_object)}"'
        )
    return text


def slot(name: str, values: Sequence[str]) -> str:
    """A rim:Slot with its values."""
    listed = f"<rim:Value>{'</rim:Value><rim:Value>'.join(map(escape, values))}</rim:Value>" if values else ""
    return f'<rim:Slot name="{escape(name)}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def _strings(tag: str, strings: Sequence[LocalizedString]) -> str:
    if not strings:
        return ""
    listed = "".join(
        [
            f'<rim:LocalizedString value="{escape(string.value)}"/>'
            if string.lang is None
            else f'<rim:LocalizedString xml:lang="{escape(string.lang)}" value="{escape(string.value)}"/>'
            for string in strings
        ]
    )
    return f"<rim:{tag}>{listed}</rim:{tag}>"


_CLASSIFICATION_TYPE = ' objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification"'
_IDENTIFIER_TYPE = ' objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier"'


def _classifications(item: AnyObject, kind: Kind, ids: _Ids) -> list[str]:
    parts = []
    for node in (kind.node, kind.limited_metadata_node if item.limited_metadata else None):
        if node:
            parts.append(_classification(ids, f' classificationNode="{node}"', "/>"))
    if kind.author_scheme:
        scheme = f' classificationScheme="{kind.author_scheme}"'
        parts += [_classification(ids, scheme, _author(author)) for author in item.authors]
    for scheme, spelling in kind.classifications.items():
        value = getattr(item, spelling.field)
        for coded in value if spelling.several else (value,) if value else ():
            end = _coded(coded.code, coded.scheme, coded.display)
            parts.append(_classification(ids, f' classificationScheme="{scheme}"', end))
    for extra in item.extra_classifications:
        scheme, representation = "", None
        if extra.scheme is not None:
            scheme, representation = f' classificationScheme="{escape(extra.scheme)}"', extra.node_representation
        if extra.node is not None:
            scheme += f' classificationNode="{escape(extra.node)}"'
        body = "".join([slot(name, values) for name, values in extra.slots]) + _strings("Name", extra.name)
        parts.append(_classification(ids, scheme, _end(representation, body)))
    return parts


def _classification(ids: _Ids, scheme: str, end: str) -> str:
    owner = f' classifiedObject="{ids.owner}"'
    return f'<rim:Classification id="{ids.next()}"{_CLASSIFICATION_TYPE}{scheme}{owner}{end}'


def _end(representation: str | None, body: str) -> str:
    """What follows the owner in a Classification."""
    node = "" if representation is None else f' nodeRepresentation="{escape(representation)}"'
    return f"{node}>{body}</rim:Classification>" if body else f"{node}/>"


# Few codes and authors serve many objects.
@lru_cache(maxsize=4096)
def _coded(code: str, scheme: str, display: str | None) -> str:
    name = "" if display is None else _strings("Name", (LocalizedString(display),))
    return _end(code, slot("codingScheme", (scheme,)) + name)


@lru_cache(maxsize=4096)
def _author(author: Author) -> str:
    fields = AUTHOR_SLOTS.items()
    return _end("", "".join([slot(name, values) for name, field in fields if (values := getattr(author, field))]))


def _identifiers(item: AnyObject, kind: Kind, ids: _Ids) -> list[str]:
    parts = []
    for scheme, spelling in kind.identifiers.items():
        value = getattr(item, spelling.field)
        if value:
            parts.append(_identifier(ids, scheme, value, _identifier_name(kind.name, spelling.attribute)))
    for extra in item.extra_identifiers:
        parts.append(_identifier(ids, escape(extra.scheme), extra.value, _strings("Name", extra.name)))
    return parts


@lru_cache
def _identifier_name(kind: str, attribute: str) -> str:
    return _strings("Name", (LocalizedString(f"XDS{kind}.{attribute}"),))


def _identifier(ids: _Ids, scheme: str, value: str, name: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="{ids.next()}"{_IDENTIFIER_TYPE} registryObject="{ids.owner}"'
        f' identificationScheme="{scheme}" value="{escape(value)}">{name}</rim:ExternalIdentifier>'
    )
