"""The content of each xdsb:Document of a submission: a MIME part, or base64 in the envelope, staged.

Source: ITI TF-2: 3.41.4.1.2; XOP 1.0: 3.2.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from lxml.etree import _Element

from xds.ebrim.vocabulary import XOP
from xds.errors import Issue
from xds.ports import Documents, Staged
from xds.repository.receipt import Provided, metadata_error

INCLUDE = f"{{{XOP}}}Include"
_CHUNK = 256 * 1024


async def stage_contents(
    elements: Iterable[_Element], attachments: Mapping[str, Staged], documents: Documents, inline: list[Staged]
) -> tuple[list[Provided], list[Issue]]:
    """Find or decode the content of each xdsb:Document.

    What was base64 is added to `inline`, whose documents the caller discards, also on errors. Unavailable when the
    disk fails.
    """
    provided: list[Provided] = []
    issues: list[Issue] = []
    for element in elements:
        entry_id = element.get("id", "")
        content: Staged | None = None
        if len(element) == 1 and element[0].tag == INCLUDE and not (element.text or "").strip():
            content = attachments.get(unquote(element[0].get("href", "")[4:]))
            if content is None:
                issues.append(metadata_error("a Document refers to a MIME part that is not in the message", entry_id))
        elif len(element):
            issues.append(metadata_error("a Document holds neither one xop:Include nor base64 alone", entry_id))
        else:
            content = await _stage_base64(element.text or "", documents)
            if content is None:
                issues.append(metadata_error("the base64 in a Document is not well-formed", entry_id))
            else:
                inline.append(content)
        provided.append(Provided(entry_id, content))
    return provided, issues


async def _stage_base64(text: str, documents: Documents) -> Staged | None:
    """The bytes of a xs:base64Binary; None when it is not well-formed."""
    staging = documents.stage()
    try:
        for chunk in _decode_base64(text):
            await staging.write(chunk)
        return await staging.finish()
    except ValueError:
        staging.discard()
        return None
    except BaseException:
        staging.discard()
        raise


def _decode_base64(text: str) -> Iterator[bytes]:
    compact = "".join(text.split())
    if "=" in compact[:-2]:
        raise ValueError("padding before the end")
    for start in range(0, len(compact), _CHUNK):
        yield binascii.a2b_base64(compact[start : start + _CHUNK], strict_mode=True)
