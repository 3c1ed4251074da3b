"""What makes the log's records."""

from __future__ import annotations

from xds.atna.keys import read_index_key
from xds.audit.record import Recorder
from xds.model.audit import Source
from xds.settings import Settings


def recorder_of(settings: Settings) -> Recorder:
    """What makes the log's records; Misconfigured when its key can't be read."""
    source = Source(settings.audit.site or settings.audit_origin, settings.audit_origin)
    return Recorder(source, read_index_key(settings.audit.index_key))
