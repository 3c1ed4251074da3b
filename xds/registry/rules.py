"""What a submission must satisfy by itself: the rules that need no look into the registry.

The server applies them to ITI-41 and ITI-42, and `xds validate` to a captured message.
Source: ITI TF-3: 4.2; ITI TF-2: 3.42.4.1.3.
"""

from __future__ import annotations

from datetime import date

from xds.errors import Issue
from xds.model.affinity_domain import AffinityDomain
from xds.model.objects import Submission
from xds.registry.attributes import check_attributes
from xds.registry.structure import check_structure, objects


def check_submission(
    submission: Submission, domain: AffinityDomain, today: date, *, at_registry: bool = True
) -> list[Issue]:
    """All that is wrong with a submission, in the order of its objects.

    `at_registry` also asks for what a repository adds: hash, size and repositoryUniqueId.
    """
    issues = list(check_structure(submission))
    for item in objects(submission):
        issues += check_attributes(item, domain, today, at_registry=at_registry)
    return issues
