"""How much a search may cost: counted where work is done, in bytes that are hashed, because clocks differ."""

#: SHA-256 takes 0.4 to 2 GB a second: a search ends after 1 to 5 seconds.
MOST = 2_500_000_000


class OutOfWorkError(Exception):
    """As much was done as may be."""


class Work:
    """What is left of the work that one search may do.

    Args:
        most: How much that is, in bytes that are hashed.

    Attributes:
        is_complete: Whether nothing was left out.
    """

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self.is_complete: bool = True

    def spend(self, amount: int) -> None:
        """Take work off, before it is done.

        Raises:
            OutOfWorkError: There is not enough left.
        """
        self._left -= amount
        if self._left < 0:
            self.leave_out()
            raise OutOfWorkError

    def leave_out(self) -> None:
        """Note that something is not tried, because it would cost too much."""
        self.is_complete = False
