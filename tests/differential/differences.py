"""Every difference between the libraries and ours, with its reason.

A difference that matches no entry fails the tests, and so does an entry that nothing matches. Of what kind a difference
is, the outcomes and `statement` say, not this table: an entry explains differences of its kind only.
"""

from differential.crashes import CRASHES
from differential.forbidden import FORBIDDEN
from differential.mistyped import MISTYPES
from differential.verdicts import REFUSES, STRICTER

ENTRIES = (*CRASHES, *FORBIDDEN, *MISTYPES, *REFUSES, *STRICTER)
