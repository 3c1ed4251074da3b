"""A small client of any XDS.b registry and repository: submit, query, retrieve.

    client = Client(registry_url=…, repository_url=…, certificate=…, key=…, ca=…)
    submission, contents = compose([DocumentToSubmit(path, DocumentEntry(…))], SubmissionSet(…))
    client.submit(submission, contents)
    found = client.query("FindDocuments", {"$XDSDocumentEntryPatientId": …, "$XDSDocumentEntryStatus": […]})
    client.retrieve([(entry.repository_unique_id, entry.unique_id) for entry in found.objects.entries], Path("here"))

May import: soap (the MIME scanner, our WSDL), registry (which stored queries there are), ebrim and what is below it.
zeep reads our WSDL, makes the envelope with its WS-Addressing headers and tells faults; the body is ours, because a
document must never pass through a tree, and the transport is ours, because zeep can't send MTOM and strips line ends
from what it receives. zeep and requests are imported when the first message is sent.

A broken rule is in the result, as an `Issue`; a SOAP fault is raised as `xds.errors.Fault`, and a peer that can't be
reached or makes no sense as `xds.errors.Unavailable`.
"""

from xds.client.client import Client
from xds.client.compose import DocumentToSubmit, compose
from xds.client.result import QueryResult, Retrieved, RetrieveResult, SubmitResult

__all__ = ["Client", "DocumentToSubmit", "QueryResult", "RetrieveResult", "Retrieved", "SubmitResult", "compose"]
