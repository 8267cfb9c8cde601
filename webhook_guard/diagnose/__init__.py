"""Why does this signature not match? Not a part of the guard: for a request that was captured.

causes          the causes, by their codes
bodies          the ways back of a body, but for JSON
reserialized    the ways back of JSON that was written again
secrets         the keys that a secret may have been meant as
heads           the ids and timestamps that may have been signed
signatures      the MACs that a signature header may have been meant as
search          what of all this makes the signature match
explanation     what it means, in plain words, and what to change
diagnosis       the public function, and what it returns

No cause is named unless undoing it makes the MAC come out right.
"""

from webhook_guard.diagnose.causes import Cause
from webhook_guard.diagnose.diagnosis import Diagnosis, diagnose

__all__ = ["Cause", "Diagnosis", "diagnose"]
