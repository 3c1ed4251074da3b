"""Who is let in, what they may see, and that it is on record: identity, consent and log put together for one worker.

May import: everything below server.

opening          opens all of it from the settings
identity_feed    ITI-8 as one worker takes it
consent_api      the consent register for portals, as one worker serves it
server_events    what the log is told of the server itself: start, stop, configuration, connections that were refused
effective        what is set, as the log has it
operator         who works at the command line, or runs the server

Decisions
- Where identity is required, everything is recorded: a server that everyone on its own machine may use without being
  known is for development, and has no log.
- The server starts only when its start can be recorded, with what is set otherwise than at the last start.
- The first worker tells the log of start, stop and configuration, for all of them.
- A policy and issuers count as they were read at the start or the last SIGHUP: so what is recorded of a change is what
  counts from then on.
"""

from xds.gate.consent_api import mount_consent_api
from xds.gate.identity_feed import identity_feed
from xds.gate.opening import Gate, anchors_of, open_gate, recorder_of, watch_of
from xds.gate.operator import operator

__all__ = [
    "Gate", "anchors_of", "identity_feed", "mount_consent_api", "open_gate", "operator", "recorder_of", "watch_of",
]  # fmt: skip
