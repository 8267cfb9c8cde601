"""Every store of this package keeps what stores promise."""

from pathlib import Path
from typing import Unpack

import pytest

from webhook_guard.idempotency import MemoryStore, SQLiteStore, StoreOptions
from webhook_guard.testing import StoreConformance


class TestMemoryStore(StoreConformance):
    """The store of one process."""

    shared = False

    def make_store(self, **options: Unpack[StoreOptions]) -> MemoryStore:
        """Return one that knows of nobody else."""
        return MemoryStore(**options)


class TestSQLiteStore(StoreConformance):
    """The store of one machine."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "webhooks.sqlite3"

    def make_store(self, **options: Unpack[StoreOptions]) -> SQLiteStore:
        """Return one of the test's file."""
        return SQLiteStore(self.path, **options)
