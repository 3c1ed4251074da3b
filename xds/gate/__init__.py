"""Who is let in, what they may see, and that it is on record: identity, consent and log put together for one worker.

May import: everything below server.

opening          opens all of it from the settings
effective        what is set, as the log records it, and what changed since the last start
server_events    what the log is told of the server itself: start, stop, configuration, connections that were refused
operator         who works at the command line, or runs the server

Decisions
- Where identity is required, everything is recorded: a server that everyone on its own machine may use without being
  known is for development, and has no log.
- The first worker tells the log of start, stop and configuration, for all of them.
- A policy and issuers count as they were read at the start or the last SIGHUP: so what is recorded of a change is what
  counts from then on.
"""

from xds.gate.opening import Gate, anchors_of, open_gate, recorder_of

__all__ = ["Gate", "anchors_of", "open_gate", "recorder_of"]
