"""Why does this signature not match? Not a part of the guard: for a request that was captured.

diagnosis                   the public function, and what it returns
explanation                 what it means, in plain words, and what to change
search                      what of all the following makes the signature match
causes                      the causes, by their codes

bodies, encodings           the ways back of a body, but for JSON
reserialized                the ways back of JSON that was written again
json_text, _styles, _orders  its text, how it may be written, and in which order
secrets                     the keys that a secret may have been meant as
fields, heads, timestamps   the ids and timestamps that may have been signed
signatures                  the MACs that a signature header may have been meant as

No cause is named unless undoing it makes the MAC come out right.
"""

from webhook_guard.diagnose.causes import Cause, Step
from webhook_guard.diagnose.diagnosis import Diagnosis, diagnose

__all__ = ["Cause", "Diagnosis", "Step", "diagnose"]
