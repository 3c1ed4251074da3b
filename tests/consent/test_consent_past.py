"""What was known of a client at a moment that has passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from consent_samples import HOSPITAL, NOW, PRACTICE, category, client, permit, relation

from xds.consent.past import facts_at, policy_at
from xds.model.consent import Decision, Emergency, PolicyText

DAY = timedelta(days=1)


def test_only_what_was_recorded_by_then_is_known_and_its_newest_counts() -> None:
    first = permit(category("jgz"), recorded_at=NOW - 3 * DAY)
    second = replace(first, number=first.number + 1, decision=Decision.DENY, recorded_at=NOW)
    treats = relation(HOSPITAL)
    ended = replace(treats, number=treats.number + 1, until=NOW)
    later = relation(PRACTICE)
    now = client(
        second,
        relations=(ended, later),
        emergencies=(Emergency("1@2.999", HOSPITAL.ura, "spoed", "_1", NOW),),
        informed={"jgz": NOW},
        joined={"JGZ": NOW - 9 * DAY, "K4": NOW},
    )
    recorded = [(treats, NOW - 2 * DAY), (ended, NOW - DAY), (later, NOW)]

    before = facts_at(now, [first, second], recorded, NOW - DAY)
    assert (before.consents, before.relations) == ((first,), (ended,))
    assert (before.emergencies, before.informed, before.joined) == ((), {}, {"JGZ": NOW - 9 * DAY})
    assert facts_at(now, [first, second], recorded, NOW) == now
    assert facts_at(now, [first, second], recorded, NOW - 9 * DAY).relations == ()


def test_the_policy_is_the_newest_of_then_and_before_all_the_oldest_that_is_kept() -> None:
    first, second = PolicyText(NOW, b"first"), PolicyText(NOW + DAY, b"second")
    kept = (first, second)

    assert policy_at(kept, NOW + 2 * DAY) == policy_at(kept, NOW + DAY) == second
    assert policy_at(kept, NOW) == policy_at(kept, NOW - DAY) == first
    assert policy_at((), NOW) is None
