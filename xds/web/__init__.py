"""What any HTTP server needs around its handlers: processes, TLS, logs, metrics, and pages about its health.

May import: errors. Knows nothing of documents or registries, and reads no settings.

Decisions
- Sockets are bound before the fork and shared by the workers: the kernel then hands a connection to whichever is
  free, where sockets of their own (SO_REUSEPORT) are loaded unevenly.
- The TLS context is made before the fork too, so that a session begun with one worker is resumed with another.
- A log line is one JSON object. Of an exception it has the type and the places in our files, never the text:
  that may quote a message, and a message is about a patient.
- Metrics are written to files that the workers share, so that any worker answers for all. Their labels are our own
  words (transaction, status, error code), never something that was received.
"""
