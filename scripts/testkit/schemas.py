"""Validation of what is sent and received against the official schemas."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from testkit.prepare import XOP

_FILES = {
    "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0": "ebRS/query.xsd",
    "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0": "ebRS/rs.xsd",
    "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0": "ebRS/lcm.xsd",
    "urn:ihe:iti:xds-b:2007": "IHE/XDS.b_DocumentRepository.xsd",
}


class Schemas:
    """The schemas of a folder with ebRS/ and IHE/, or none."""

    def __init__(self, folder: Path | None):
        self._schemas = {}
        for namespace, name in _FILES.items() if folder is not None else ():
            self._schemas[namespace] = etree.XMLSchema(etree.parse(folder / name))

    def complaint(self, body: etree._Element, parts: Mapping[str, bytes]) -> str | None:
        """Say why the content of a SOAP Body is not valid; XOP parts count as the base64 that they stand for."""
        if not self._schemas:
            return None
        schema = self._schemas.get(etree.QName(body).namespace or "")
        if schema is None:
            return f"no schema is known for {body.tag}"
        alone = etree.fromstring(etree.tostring(copy.deepcopy(body)))
        for include in list(alone.iter(f"{{{XOP}}}Include")):
            holder = include.getparent()
            name = unquote(include.get("href", "").removeprefix("cid:"))
            if holder is not None and name in parts:
                holder.remove(include)
                holder.text = base64.b64encode(parts[name]).decode()
        return None if schema.validate(alone) else str(schema.error_log[0].message)
