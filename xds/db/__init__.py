"""The only room with SQL: the ports `Index` and `Trail` on SQLite and PostgreSQL.

May import: audit (its tree), ports, model, errors. `open_database` is the way in.

    patient ──┬─< document_entry     entryUUID, searchable attributes, fragment
    (cx,      ├─< submission_set     entryUUID, searchable attributes, fragment
    merged_   └─< folder             entryUUID, searchable attributes, fragment
    into)          │
                   └ association     entryUUID, the entryUUIDs of its two ends, fragment
    code           (code, scheme) ↔ the number that stands for it in the tables above
    document       what the repository holds: uniqueId → address, hash, size, media type
    consent, treatment_relation, emergency, notice    what clients allow; see consent_tables
    participant, participant_certificate, used_assertion    who may ask; see participant_sql
    log_…          the log; see log_schema
    auditor, page_session    who looks at the pages; see viewer_sql
    hint_review    what auditors found; see hint_sql
    saved_search, log_export    what auditors keep; see desk_sql

Decisions
- A row holds what is searched by, and the object's packed ebRIM fragment; nothing is put together from parts to
  answer a query. entryUUIDs are 16 bytes, hashes 20, times seconds since 1970, codes and statuses small numbers:
  the size of the index decides how much of it stays in memory.
- Attributes that have many values (eventCodeList, confidentialityCode, authorPerson, referenceIdList, a folder's
  codeList) are one text column each and are judged in Python on the rows that the indexed attributes left over.
  So the cost of a query is bounded by its rows, whatever its patterns and however many its values.
- SQLAlchemy Core builds each statement once per shape of selection; the text runs on the driver itself, because
  SQLAlchemy's execution costs more than the query.
- Writes share commits: what is queued runs in one transaction, and one by one when a change fails, so that it takes no
  other with it. On SQLite it runs in the event loop, where no statement waits for the interpreter's lock, and only
  the commit is left to a thread. Writers of several processes take turns: on PostgreSQL by an advisory lock, on
  SQLite by trying again in a moment. So none ever meets "database is locked" or a serialization failure.
- What consent must know of a document is in columns of its row (its codes, and the URAs of its authors'
  institutions). What it must know of a client is kept with the patient too, written anew with every change of the
  register, so that a query reads one row for it instead of four tables; a migration that changes what it is sets it
  to null.
- A connection that reported a broken disk or server is thrown away, with every change that it had not committed.
- The log is searched in columns (log_search): one array of small numbers for each dimension and 8192 records, made in
  the background. Roll-up tables per day and combination have half as many rows as the log, and summing them took 25
  times as long; this answers any combination alike, and what has no column yet is looked at record by record.
- A database is opened after a fork, never before: SQLite's locks do not survive one.
"""

from xds.db.database import Database, open_database
from xds.db.trail import DatabaseTrail

__all__ = ["Database", "DatabaseTrail", "open_database"]
