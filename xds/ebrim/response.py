"""rs:RegistryResponse, query:AdhocQueryResponse and their error list. Source: ITI TF-3: 4.2.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml.etree import _Element

from xds.ebrim.encode import escape
from xds.ebrim.vocabulary import QUERY, RIM, RS
from xds.errors import Issue, Severity

SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
PARTIAL_SUCCESS = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"
REGISTRY_RESPONSE = f"{{{RS}}}RegistryResponse"


def status_of(issues: Iterable[Issue]) -> str:
    """Failure when any issue is an error. Source: ITI TF-3: 4.2.4.2."""
    return FAILURE if any(issue.severity is Severity.ERROR for issue in issues) else SUCCESS


def encode_errors(issues: Sequence[Issue]) -> str:
    """The rs:RegistryErrorList, or nothing. The prefix rs: must be bound. Source: ITI TF-3: 4.2.4.1."""
    if not issues:
        return ""
    highest = Severity.ERROR if status_of(issues) == FAILURE else Severity.WARNING
    errors = "".join(
        [
            f'<rs:RegistryError errorCode="{escape(issue.code)}" codeContext="{escape(issue.context)}"'
            f' location="{escape(issue.location)}" severity="{issue.severity}"/>'
            for issue in issues
        ]
    )
    return f'<rs:RegistryErrorList highestSeverity="{highest}">{errors}</rs:RegistryErrorList>'


def encode_response(issues: Sequence[Issue], status: str | None = None) -> bytes:
    """A rs:RegistryResponse element, with its namespace."""
    status = status or status_of(issues)
    errors = encode_errors(issues)
    return f'<rs:RegistryResponse xmlns:rs="{RS}" status="{status}">{errors}</rs:RegistryResponse>'.encode()


def encode_query_response(objects: Sequence[bytes], issues: Sequence[Issue] = ()) -> list[bytes]:
    """A query:AdhocQueryResponse around fragments, with its namespaces, in pieces. Source: ITI TF-2: 3.18.4.1.2.6."""
    head = (
        f'<query:AdhocQueryResponse xmlns:query="{QUERY}" xmlns:rim="{RIM}" xmlns:rs="{RS}" '
        f'status="{status_of(issues)}">{encode_errors(issues)}<rim:RegistryObjectList>'
    )
    return [head.encode(), *objects, b"</rim:RegistryObjectList></query:AdhocQueryResponse>"]


def decode_response(response: _Element) -> tuple[str, list[Issue]]:
    """The status URN and the issues of any response that holds a RegistryErrorList, at its top or one below."""
    if response.tag != REGISTRY_RESPONSE:
        inner = response.find(REGISTRY_RESPONSE)
        response = response if inner is None else inner
    issues = [_issue(error) for error in response.iterfind(f"{{{RS}}}RegistryErrorList/{{{RS}}}RegistryError")]
    return response.get("status", ""), issues


def _issue(error: _Element) -> Issue:
    warning = error.get("severity", "").endswith("Warning")
    return Issue(
        error.get("errorCode", ""),
        error.get("codeContext", ""),
        error.get("location", ""),
        Severity.WARNING if warning else Severity.ERROR,
    )
