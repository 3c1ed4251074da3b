"""lcm:SubmitObjectsRequest and xdsb:ProvideAndRegisterDocumentSetRequest.

Source: ITI TF-2: 3.42.4.1 and 3.41.4.1; ITI TF-3: 4.2.1.
"""

from __future__ import annotations

from lxml.etree import _Element

from xds.ebrim.encode import encode, escape
from xds.ebrim.objects import decode_objects, metadata_error
from xds.ebrim.vocabulary import LCM, RIM, RS, XDSB
from xds.errors import Issue
from xds.model.objects import Submission

SUBMIT_OBJECTS_REQUEST = f"{{{LCM}}}SubmitObjectsRequest"
PROVIDE_AND_REGISTER_REQUEST = f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest"
DOCUMENT = f"{{{XDSB}}}Document"
_OBJECT_LIST = f"{{{RIM}}}RegistryObjectList"


def decode_submit_objects(request: _Element) -> tuple[Submission, list[Issue]]:
    """Read a lcm:SubmitObjectsRequest."""
    object_list = request.find(_OBJECT_LIST)
    if object_list is None:
        return Submission(), [metadata_error("the request has no RegistryObjectList", "", "ITI TF-2: 3.42.4.1.2")]
    return decode_objects(object_list)


def decode_provide_and_register(request: _Element) -> tuple[Submission, list[_Element], list[Issue]]:
    """Read a xdsb:ProvideAndRegisterDocumentSetRequest: the submission and the xdsb:Document elements."""
    submit = request.find(SUBMIT_OBJECTS_REQUEST)
    documents = list(request.iterchildren(DOCUMENT))
    if submit is None:
        issue = metadata_error("the request has no lcm:SubmitObjectsRequest", "", "ITI TF-2: 3.41.4.1.2")
        return Submission(), documents, [issue]
    submission, issues = decode_submit_objects(submit)
    return submission, documents, issues


def encode_submit_objects(submission: Submission) -> bytes:
    """A lcm:SubmitObjectsRequest element, with its namespaces."""
    objects = [
        *(f'<rim:ObjectRef id="{escape(ref)}"/>'.encode() for ref in submission.object_refs),
        *map(encode, submission.entries),
        *map(encode, submission.submission_sets),
        *map(encode, submission.folders),
        *map(encode, submission.associations),
    ]
    return (
        f'<lcm:SubmitObjectsRequest xmlns:lcm="{LCM}" xmlns:rs="{RS}" xmlns:rim="{RIM}"><rim:RegistryObjectList>'
    ).encode() + b"".join(objects) + b"</rim:RegistryObjectList></lcm:SubmitObjectsRequest>"  # fmt: skip
