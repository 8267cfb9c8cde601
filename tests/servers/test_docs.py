"""What the README says of the servers is so."""

from pathlib import Path

from servers import asgi_handlers, wsgi_handlers
from servers.scenarios import SCENARIOS
from servers.spellings import spellings

README = " ".join(Path(__file__).parents[2].joinpath("README.md").read_text("utf-8").split())


def test_figures() -> None:
    """Its figures are those of the catalogues."""
    assert f"what {len(SCENARIOS)} kinds of requests get" in README
    assert len(set(spellings(""))) > 140
    assert "more than 140 spellings" in README
    assert f"{len(asgi_handlers.CATALOGUE)} ASGI and {len(wsgi_handlers.CATALOGUE)} WSGI handlers" in README
