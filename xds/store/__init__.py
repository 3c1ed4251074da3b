"""The content-addressed store of document bytes: the port `Documents` on a disk.

May import: ports, model, errors. No SQL: what the index holds is asked through a callable, page by page (held).

Layout under one root, made for its owner only:
    store.toml               the format's version; also the file that commit and sweep lock
    tmp/<random>             documents being received, or not yet committed
    aa/bb/<sha256>           committed documents, by the first digits of their address
    quarantine/<sha256>.n    files that were found not to match their address; never served

Decisions
- A document is written and fsynced under a random name, renamed to its address, and its folder fsynced, before
  the index may refer to it. So a crash leaves orphans, which are swept, and never a reference without a document.
- Documents of at most 64 KiB stay in memory until commit, so that all their file work is one visit to a thread.
- Whatever the disk refuses (full, failing, out of descriptors) is Unavailable. An fsync that failed is never
  repeated: the kernel may have dropped the pages and would then call the second one a success.
- A document is hashed again whenever it is read. One of at most 4 MiB is checked before its first byte; of a
  larger one the last chunk is held back until the whole is checked, so that a receiver never gets a complete
  answer with wrong bytes.
- Several processes share one root. Nothing is kept in memory that another process must know; only sweeping and
  quarantine exclude a commit, by a file lock, for the moment in which a file is removed.
"""
