"""Who is let in, what they may see, and that it is on record: identity, consent and log put together for one worker.

May import: everything below server.

opening          opens all of it from the settings
identity_feed    ITI-8 as one worker takes it
consent_api      the consent register for portals, as one worker serves it
server_events    what the log is told of the server itself: start, stop, configuration, connections that were refused
effective        what is set, as the log has it
recording        what makes the log's records
operator         who works at the command line, or runs the server

Decisions
- Where identity is required, everything is recorded: a server that everyone on its own machine may use without being
  known is for development, and has no log.
- The server starts only when its start can be recorded, with what is set otherwise than at the last start.
- The first worker tells the log of start, stop and configuration, for all of them.
- Nothing is imported here: a command that only records need not wait for all that a server is made of.
- A policy and issuers count as they were read at the start or the last SIGHUP: so what is recorded of a change is what
  counts from then on.
"""
