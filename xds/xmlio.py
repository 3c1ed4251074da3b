"""The only XML parser: no document type, no entities, no network, counted limits.

May import: errors. What comes from outside is parsed here and nowhere else, so that two parsers never see two
different documents. The limits that libxml2 does not have (elements, attributes, namespace declarations) are
counted in the bytes before the parser allocates anything; the counts never run below the true ones, and a
message too short to reach a limit is not counted at all. libxml2 itself refuses more than 256 levels and more
than 10 MB of text in one node or attribute.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml.etree import _Element

from xds.errors import XdsError

MAX_BYTES = 32 << 20
MAX_ELEMENTS = 200_000
MAX_ATTRIBUTES = 200_000
MAX_NAMESPACES = 10_000
MAX_ATTRIBUTES_OF_ONE = 256

# The shortest ways to write one of each: <a/> and xmlns="" with the space before it.
_UNCOUNTED = min(len(b"<a/>") * MAX_ELEMENTS, len(b' a=""') * MAX_ATTRIBUTES, len(b' xmlns=""') * MAX_NAMESPACES)

_BOM = b"\xef\xbb\xbf"
_USUAL = (b'<?xml version="1.0" encoding="UTF-8"?>', b"<?xml version='1.0' encoding='UTF-8'?>")
_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"""\sencoding\s*=\s*["']([^"']*)["']""")
_ENCODINGS = frozenset((b"utf-8", b"utf8", b"us-ascii", b"ascii"))

_PARSER = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)
_crowded = etree.XPath(f"boolean(//*/@*[{MAX_ATTRIBUTES_OF_ONE + 1}])")


class Malformed(XdsError):
    """Bytes that are not an XML document as we accept it. The text says where and why and holds no content."""


def parse(message: bytes, *, max_bytes: int = MAX_BYTES) -> _Element:
    """Parse a document in UTF-8 (or US-ASCII) and return its root, without comments and instructions.

    Raises Malformed for what is no XML, has a document type, is in another encoding or breaks a limit.
    """
    _check_size(message, max_bytes)
    _check_prolog(message)
    if len(message) >= _UNCOUNTED:
        _check_counts(message)
    try:
        root = etree.fromstring(message, _PARSER)
    except etree.XMLSyntaxError as error:
        malformed = _described(error)
    else:
        if message.count(b"=") > MAX_ATTRIBUTES_OF_ONE and _crowded(root):
            raise Malformed(f"an element has more than {MAX_ATTRIBUTES_OF_ONE} attributes")
        return root
    # Raised out here, so that no traceback leads to libxml2's own text, which quotes the message.
    raise malformed


def _check_size(message: bytes, max_bytes: int) -> None:
    if not message:
        raise Malformed("no XML: the message is empty")
    if len(message) > max_bytes:
        raise Malformed(f"the XML is larger than {max_bytes} bytes")
    nul = message.find(b"\0")
    if nul >= 0:
        raise Malformed(f"a NUL character, or an encoding that is not UTF-8, at line {_line(message, nul)}")


def _check_prolog(message: bytes) -> None:
    start = len(_BOM) if message.startswith(_BOM) else 0
    if message.startswith(_USUAL):
        pass
    elif message.startswith(b"<?xml", start):
        declaration = _DECLARATION.match(message, start)
        if declaration is None:
            raise Malformed("the XML declaration is not well-formed at line 1")
        encoding = _ENCODING.search(declaration[0])
        if encoding is not None and encoding[1].lower() not in _ENCODINGS:
            raise Malformed("the XML declares an encoding that is not UTF-8 at line 1")
    elif message[start : start + 1] not in b"<\t\n\r ":
        raise Malformed("no XML in UTF-8: it does not begin with < at line 1")
    # One byte is sought twenty times faster than nine, and a message of ours has no "!".
    doctype = message.find(b"<!DOCTYPE") if b"!" in message else -1
    if doctype >= 0:
        raise Malformed(f"a DOCTYPE is not allowed, at line {_line(message, doctype)}")


def _check_counts(message: bytes) -> None:
    tags = message.count(b"<")
    if tags > MAX_ELEMENTS and tags - message.count(b"</") > MAX_ELEMENTS:
        raise Malformed(f"the XML has more than {MAX_ELEMENTS} elements")
    if message.count(b"=") > MAX_ATTRIBUTES:
        raise Malformed(f"the XML has more than {MAX_ATTRIBUTES} attributes")
    if message.count(b"xmlns") > MAX_NAMESPACES:
        raise Malformed(f"the XML has more than {MAX_NAMESPACES} namespace declarations")


def _line(message: bytes, offset: int) -> int:
    return message.count(b"\n", 0, offset) + 1


def _described(error: etree.XMLSyntaxError) -> Malformed:
    line, column = error.position
    kind = etree.ErrorTypes._getName(error.code, "ERR_UNKNOWN") if error.code else "ERR_UNKNOWN"
    return Malformed(f"not well-formed XML ({kind}) at line {line}, column {column}")
