"""Who may see which documents of a client, and why. Pure: facts and a policy in, verdicts out; only `load_policy` opens
a file.

May import: ports, model, errors. `Access` is the way in.

policy, policy_file    the deployment's rules as values, and reading them from TOML
submitting, referring  who may submit what, and what it may refer to
sight                  what of the objects that a query found is shown
retrieving             which documents may be retrieved
engine                 one verdict for each document, in the order of the checks
given, givers          what the client's own consents answer, and who may give them
access                 the engine with whatever source answers for the client
change                 recording, withdrawing, treatment relations: what may be written, and the event that it is
events                 what the log records of that
notices                which clients must hear of a category of organisations that joined
explain                a verdict as a sentence, in Dutch
plain                  the rules in plain Dutch, for the client
past                   what was known of a client, and which policy was in force, at a moment that has passed

Decisions
- Nothing is permitted but what a rule permits. What is not known (a code without a class, a document without a
  holder, a confidentiality code without a level, a source that doesn't answer) counts as what forbids most.
- A client has one newest word on a subject (holder, category of data, consumer). Of several words that apply, one
  gives way to another only when that is at least as specific in all three and more so in one; when an objection
  remains, it wins. So two words of which neither is the more specific are a tie, and a tie is an objection.
- What takes the place of an objection begins at once: else neither would count until it does. An objection that holds
  in an emergency too gives way to a permit only, not to an ordinary objection. A merge loses nothing of an objection.
- A permit of a child's parents counts as long as they may give it: at 12 the child must join them, at 16 it stands
  alone. An objection always counts.
- A publication of documents shows a treatment relation for a time that the policy sets; an end that was registered
  stays, whatever is published after it.
- The glass is broken for what the treatment relation, the consent or the confidentiality would have hidden, never
  for what the role is not authorised for, and only as long as the policy says.
- Without a treatment relation the client's consent is not looked at, and no other party is asked about the client,
  unless the glass is broken: then every check is made, as the log records each.
"""

from xds.consent.access import Access, GivenConsents
from xds.consent.policy import Policy
from xds.consent.policy_file import load_policy, read_policy

__all__ = ["Access", "GivenConsents", "Policy", "load_policy", "read_policy"]
