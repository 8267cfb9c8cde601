"""The requests of the flood, as bytes."""

from benchmarks.delivery import BODY, JUNK, OTHER_SECRET, PATH, signed


def genuine() -> bytes:
    """Return a delivery, signed now."""
    return head(signed()) + BODY


def junk() -> bytes:
    """Return a request without the headers of a webhook."""
    return head(JUNK) + BODY


def forged() -> bytes:
    """Return a delivery, signed now with another secret."""
    return head(signed(OTHER_SECRET)) + BODY


def declared(size: int) -> bytes:
    """Return the head of a forged delivery whose body has so many bytes."""
    return head(signed(OTHER_SECRET) | {"content-length": str(size)})


def chunked() -> bytes:
    """Return the head of a forged delivery whose body comes in chunks."""
    headers = signed(OTHER_SECRET) | {"transfer-encoding": "chunked"}
    del headers["content-length"]
    return head(headers)


def chunk(data: bytes) -> bytes:
    """Return `data` as a chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def head(headers: dict[str, str]) -> bytes:
    """Return the head of a request with `headers`."""
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
