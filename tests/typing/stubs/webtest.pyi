# WebTest has no types. What is used of it here is Any.
from typing import Any

TestApp: Any
