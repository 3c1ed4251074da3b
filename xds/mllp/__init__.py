"""ITI-8 Patient Identity Feed: HL7 v2 over MLLP. How the registry learns which patients exist.

May import: registry, audit, ports, model, errors.

`feed` reads a message, `acknowledgement` writes the answer, both pure; `handle` joins them to the registry, through
two functions that it is given; `recording` is what the log is told; `server` is the socket. The registry's part of
ITI-8 is in registry.

Decisions
- Only the segments that the registry uses (MSH, PID, MRG) are parsed, and only up to a size: the cost of a message
  is bounded by its length, and what else a message says about a patient is never looked at.
- A message that can be understood but not accepted gets AE, one that isn't for us or comes when we can't gets AR.
  An answer names fields and never repeats a patient's number; a log has event types and codes only.
- Where there is a log, each message is on record: what it changed in the same transaction, what was refused before the
  answer leaves.
- A peer that breaks the framing is disconnected: after a broken frame nobody knows where the next one begins.
"""
