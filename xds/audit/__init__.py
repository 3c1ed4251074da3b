"""The log of NEN 7513: what a record says, how it is sealed, and how that is verified.

May import: model, errors. Everything here is pure: the durable log is `xds.db.trail`, and what sends it elsewhere is
`xds.atna`.

    events      what can happen, in the standards' codes       record       events → the canonical bytes of records
    tree        leaf, chain, right edge, inclusion proofs      checkpoint   signed notes about the tree
    bundle      an export's lines                              manifest     a signed note of which those are
    verify      the judgement of an export
    nen7513, dicom, fhir   a record in the standards' terms    objects      what these three tell of
    report      the overviews of NEN 7513                      refusals     connections that were not let in
    sample      random records, drawn again from the same seed
    retention   how long records are kept                      alarm        how long records are without an anchor
    hints       what somebody should look at                   hint_rules   the bounds of their rules
    counted     which records a rule counts

Decisions
- A leaf commits to a record's place, time, request and the salted hash of its payload: payload and salt can be deleted
  after their term, and everything that was proven stays proven.
- The chain names the first record that was changed; the signed tree heads prove that nobody who has no key made up a
  chain of his own; an anchor, kept elsewhere, proves that the one with the key did not either.
- A proof of inclusion says nothing of what was left out: an export has a manifest, signed with the log's key.
- Notes and checkpoints are those of C2SP (signed-note, tlog-checkpoint), the tree is RFC 6962's: tools that others
  wrote can check them.
- A patient is found by a keyed hash (HMAC-SHA-256): nine digits are soon tried without a key.
"""
