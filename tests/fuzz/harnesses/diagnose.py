"""A diagnosis: genuine if, and only if, `unwrap` takes the request; and what is undone in a body makes it right."""

import json
from collections.abc import Callable
from typing import TypeAlias

from webhook_guard import Reason, WebhookError, unwrap, verify_signature
from webhook_guard.diagnose import Cause, Diagnosis, diagnose
from webhook_guard.sansio.keys import Secret
from webhook_guard.sansio.signature import Headers

from fuzz import inputs
from support import NOW

#: What is checked: body, headers, secrets and method -> a diagnosis.
Subject: TypeAlias = Callable[[bytes, Headers, Secret, str], Diagnosis]

#: Causes that are undone in a body alone.
_BODY = frozenset(list(Cause)[: list(Cause).index(Cause.SECRET_FORMAT)])
#: Seconds: more than between any two timestamps.
_ANY_AGE = 10**12
#: How many MACs a search may compute: its work, in bytes, by the least that each costs.
_MOST_TRIES = 2_500_000_000 // 2048


def diagnosed(body: bytes, headers: Headers, secret: Secret, method: str) -> Diagnosis:
    """Return what the package says of a request."""
    return diagnose(body, headers, secret, now=NOW, method=method)


def check(data: bytes, subject: Subject = diagnosed) -> None:
    """Check one request: beside it are the secrets, with tabs between; none are those of all harnesses."""
    request = inputs.request(data)
    secrets: list[str | bytes] = [inputs.text(secret) for secret in request.beside.split(b"\t") if secret]
    secrets = secrets or [*inputs.SECRETS]
    diagnosis = subject(request.body, request.headers, secrets, request.method)
    refusal = _refusal(request, secrets[0])
    verdict = "genuine" if refusal is None else "refused"
    assert (diagnosis.verdict, diagnosis.reason) == (verdict, refusal), f"{refusal} expected: {diagnosis}"
    assert diagnosis.explanation, "nothing is explained"
    assert bool(diagnosis.fix) == (refusal is not None), "a fix of nothing, or nothing to fix"
    assert 0 <= diagnosis.tried <= _MOST_TRIES, "more was tried than may be"
    _check_proof(diagnosis, request, secrets[0])
    json.dumps(diagnosis.to_dict())  # `--json` prints it: it must be JSON, whatever came


def _refusal(request: inputs.Request, secret: str | bytes) -> Reason | None:
    if request.method != "POST":
        return Reason.METHOD_NOT_ALLOWED
    try:
        unwrap(request.body, request.headers, secret=secret, now=NOW)
    except WebhookError as error:
        return error.reason
    return None


def _check_proof(diagnosis: Diagnosis, request: inputs.Request, secret: str | bytes) -> None:
    """Assert that nothing is named without a proof: after what is undone in a body alone, the signature is right."""
    causes = {*diagnosis.causes} - {Cause.CLOCK}
    if causes and causes <= _BODY:
        try:
            verify_signature(diagnosis.body, request.headers, secret=secret, now=NOW, tolerance=_ANY_AGE)
        except WebhookError as error:
            raise AssertionError(f"{causes} named without a proof") from error
    assert causes & _BODY or diagnosis.body == request.body, "a body was changed without a step"
