# Bottle has no types. What is used of it here is Any.
from typing import Any

Bottle: Any
HTTPResponse: Any
request: Any
run: Any
