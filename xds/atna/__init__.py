"""What of the log leaves this system: checkpoints to those who keep them (anchors), and ITI-20 to an audit repository.

May import: audit, ports, model, errors. Works on the port `Index`.

    seal     signs a checkpoint of what was appended, has it anchored, and keeps the search index up to date
    anchor   keeps checkpoints elsewhere: a file, a folder, another host
    keeper   has one process do it, of all servers on one database
    watch    how long records are without an anchor, and whether data may still be given
    syslog   Record Audit Event (ITI-20): DICOM audit messages over TLS, from where the feed was

Decisions
- The log itself is the truth. A feed is a place in it, kept in the database: it survives restarts, and a repository
  that was away gets everything later, in order. A place moves only when the receiver has closed the connection in
  order, for syslog has no acknowledgement; what is in doubt is sent again, with the same id.
- An anchor that fails is tried again with the next checkpoint, which covers the one before.
- The log says of each checkpoint that it gave away. An anchor that has another, or a larger one, proves that an older
  copy of the database was put back, or another one: then no data is given, and that anchor gets nothing more.
"""
