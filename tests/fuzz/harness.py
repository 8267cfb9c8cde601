"""Runs one harness, on inputs as they are, or on ever more that are made of them.

    python -m fuzz.harness HARNESS FILE...
    python -m fuzz.harness HARNESS -max_total_time=60 FOLDER...

The first needs no more than the package. The second needs atheris, takes libFuzzer's options, and mutates inputs as the
coverage of the package grows.
"""

import importlib
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

#: Whose coverage tells inputs apart. Bodies are decoded in C, which has none, so that of what judges them has to do.
_INSTRUMENTED = ["webhook_guard", "fuzz.harnesses.body"]
#: Seconds of computing that one input may take: `diagnose` may take five. libFuzzer's limit is one of the wall clock.
_SLOWEST = 10
#: How often a harness mutates an input itself, where it can.
_OWN = 0.5


def load(name: str) -> Any:
    """Return the module of a harness: its `check` takes an input, and raises if what must hold does not."""
    return importlib.import_module(f"fuzz.harnesses.{name}")


def main(name: str, *arguments: str) -> None:
    """Run a harness."""
    if any(argument.startswith("-") for argument in arguments):
        _mutate(name, arguments)
        return
    harness = load(name)
    for file in arguments:
        harness.check(Path(file).read_bytes())


def _mutate(name: str, arguments: tuple[str, ...]) -> None:
    # Only where it is needed, and installed; it has no types.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        harness = load(name)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311  for mutations, not for secrets
        mutated: bytes = harness.mutate(data, random) if random.random() < _OWN else atheris.Mutate(data, most)
        return mutated[:most]

    def check(data: bytes) -> None:
        start = time.process_time()
        harness.check(data)
        assert time.process_time() - start < _SLOWEST, "it takes too long"

    own = {"custom_mutator": mutate} if hasattr(harness, "mutate") else {}
    atheris.Setup([name, *arguments], check, **own)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
