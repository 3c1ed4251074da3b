"""The Document Repository: takes documents with their metadata (ITI-41) and gives them back (ITI-43).

May import: ebrim, transaction, ports, model, errors. Find a transaction by its number (iti41_…, iti43_…).

Document bytes never pass through this room's memory, except those that stand in the envelope as base64: they are
staged while they arrive, and streamed from the store when they leave. `receipt` pairs documents with their metadata
and is pure.

Decisions
- Documents are made durable before the registry is asked: the other order could leave a registered document without
  its bytes. What the registry refuses is withdrawn; a crash before that, or a registry that can't be reached, leaves a
  file that nothing refers to, for the sweep.
- The repository knows what it holds from its own list of holdings, and never asks the registry for it.
- A registry in another process is asked by ITI-18 which documents of an ITI-43 it shows to the person, with the
  assertion of the person: that is the standard's own question, answered by the code that answers everybody, and no
  consent need be copied. It is asked of what isn't held, too, so that nothing tells that from what is hidden.
"""
