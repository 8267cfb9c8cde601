"""The options of all stores."""

from typing import Any

import pytest

from webhook_guard import ConfigurationError
from webhook_guard.idempotency import MemoryStore, Store
from webhook_guard.idempotency.store import ConfiguredStore, checked_key


def webhook_id(delivery: Any) -> str:
    """Return the webhook id: a `key`."""
    return str(delivery.webhook_id)


class TestOptions:
    """What every store takes."""

    def test_defaults(self) -> None:
        """The defaults are those of the design."""
        store = ConfiguredStore({})
        assert (store.namespace, store.lease, store.retention, store.timeout, store.key) == (
            "webhook_guard",
            300.0,
            604_800.0,
            2.0,
            None,
        )

    def test_kept(self) -> None:
        """What is given is taken."""
        options: Any = {"namespace": "a", "lease": 1, "retention": 2.5, "timeout": 0.5, "key": webhook_id}
        store = ConfiguredStore(options)
        assert {name: getattr(store, name) for name in options} == options

    def test_unknown(self) -> None:
        """An option that there is not is refused, and those that there are are named."""
        with pytest.raises(ConfigurationError) as caught:
            MemoryStore(lese=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  wrong, on purpose
        names = "max_entries, clock, namespace, lease, retention, timeout, key"
        assert str(caught.value) == f"lese: there is no such option; MemoryStore takes {names}"

    @pytest.mark.parametrize("name", ["lease", "retention", "timeout"])
    @pytest.mark.parametrize("value", [0, -1, 31_536_001, float("nan"), float("inf"), True, "300", None])
    def test_seconds(self, name: str, value: Any) -> None:
        """Times are numbers of seconds, from a millisecond to a year."""
        with pytest.raises(ConfigurationError, match=f"^{name}: must be a number from 0.001 to 31536000, not [^ ]*$"):
            ConfiguredStore({name: value})  # type: ignore[misc]  # pyright: ignore[reportArgumentType]  computed

    @pytest.mark.parametrize("name", ["lease", "retention", "timeout"])
    @pytest.mark.parametrize("value", [0.001, 1, 31_536_000])
    def test_range(self, name: str, value: Any) -> None:
        """The ends of the range are inside."""
        options: Any = {name: value}
        assert getattr(ConfiguredStore(options), name) == value

    @pytest.mark.parametrize("namespace", ["a", "x" * 100, "App_1.prod:eu@host-2"])
    def test_namespace(self, namespace: str) -> None:
        """A namespace has letters, digits and what names are made of."""
        assert ConfiguredStore({"namespace": namespace}).named("/p#wh_1") == f"{namespace}:/p#wh_1"

    @pytest.mark.parametrize("namespace", ["", "x" * 101, "a b", "a/b", "a#b", "a\n", "\u00e9", "\x00", None, 1, b"a"])
    def test_no_namespace(self, namespace: Any) -> None:
        """Nothing that a path or an id could be mistaken for, and nothing that a server may not take."""
        with pytest.raises(ConfigurationError) as caught:
            ConfiguredStore({"namespace": namespace})
        assert str(caught.value) == (
            "namespace: must be 1 to 100 characters, each a letter, a digit or one of _ . : @ -"
        )

    @pytest.mark.parametrize("key", ["wh_1", 1, b"k"])
    def test_key(self, key: Any) -> None:
        """A `key` is called."""
        with pytest.raises(ConfigurationError, match=f"^key: must be callable, not {type(key).__name__}$"):
            ConfiguredStore({"key": key})

    def test_async_key(self) -> None:
        """Nothing waits for it."""

        async def key(delivery: Any) -> str:
            return webhook_id(delivery)

        with pytest.raises(ConfigurationError, match=r"^key: must be a plain function; nobody awaits it$"):
            MemoryStore(key=key)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  wrong, on purpose


class OwnStore:
    """A store of somebody's own, without options."""

    def claim(self, key: str) -> Any:
        """Claim."""
        raise NotADirectoryError(key)

    def complete(self, key: str, token: str) -> bool:
        """Complete."""
        raise NotADirectoryError(key, token)

    def release(self, key: str, token: str) -> bool:
        """Release."""
        raise NotADirectoryError(key, token)


class TestCheckedKey:
    """What the fronts take as a store."""

    def test_own_store(self) -> None:
        """Three methods make a store."""
        store: Store = OwnStore()
        assert checked_key(store) is None

    def test_own_key(self) -> None:
        """It may have a `key`."""
        assert checked_key(MemoryStore(key=webhook_id)) is webhook_id

    @pytest.mark.parametrize("name", ["claim", "complete", "release"])
    def test_incomplete(self, name: str) -> None:
        """Two methods make none."""
        store = OwnStore()
        setattr(store, name, None)
        with pytest.raises(ConfigurationError) as caught:
            checked_key(store)
        assert str(caught.value) == "idempotency: must be a store, such as MemoryStore(), not OwnStore"

    def test_object(self) -> None:
        """Nor does something else."""
        with pytest.raises(ConfigurationError) as caught:
            checked_key(object())
        assert str(caught.value) == "idempotency: must be a store, such as MemoryStore(), not object"

    def test_class(self) -> None:
        """Nor does a class: it is to be called."""
        with pytest.raises(ConfigurationError) as caught:
            checked_key(OwnStore)
        assert str(caught.value) == "idempotency: must be a store, such as MemoryStore(), not the class OwnStore"
