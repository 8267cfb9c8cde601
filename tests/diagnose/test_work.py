"""How much a search may cost."""

import pytest

from webhook_guard.diagnose.work import OutOfWorkError, Work


def test_spend() -> None:
    """Work can be done as long as there is some left."""
    work = Work(10)
    work.spend(6)
    work.spend(4)
    assert work.is_complete
    with pytest.raises(OutOfWorkError):
        work.spend(1)
    assert not work.is_complete


def test_leave_out() -> None:
    """What is left out makes it incomplete, and costs nothing."""
    work = Work(10)
    work.leave_out()
    work.spend(10)
    assert not work.is_complete
