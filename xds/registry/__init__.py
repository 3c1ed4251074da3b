"""The Document Registry: what a submission must satisfy, what it changes, and what queries answer.

May import: ebrim, transaction, ports, model, errors. Find a transaction by its number (iti18_…, iti42_…, iti8_…) and a
stored query by its name (queries/find_documents.py, …).

A submission goes through two judgements. `rules` and `structure` look at the message alone and need no database;
`context` looks at it beside what the registry holds, inside the write transaction, in which no other writer runs,
so that nothing can change between the look and the write. Only then `plan` says what is written. The issues of both
are reported together.
"""
