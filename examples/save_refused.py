# pip install webhook_guard fastapi uvicorn && OPENAI_WEBHOOK_SECRET=whsec_... uvicorn save_refused:app --port 8000
"""Save each request whose signature does not match; `webhook-guard diagnose FILE` says why it does not.

`pip install 'webhook_guard[cli]'` brings that command. REFUSED_WEBHOOKS names another folder, as containers need it.
"""

import os
import time
from pathlib import Path

from fastapi_app import api

from webhook_guard import ASGIWebhookMiddleware, Reason
from webhook_guard.refused import RefusedRequest

# Bodies are private: never a folder that a web server serves.
FOLDER = os.environ.get("REFUSED_WEBHOOKS", "~/refused-webhooks")


def save(reason: Reason, request: RefusedRequest) -> None:
    """Save a request for its owner only, and keep the last 20, because strangers can send any number."""
    if reason is Reason.SIGNATURE_MISMATCH:
        folder = Path(FOLDER).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{time.time_ns()}.http"
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(request.to_http())
        print(f"why the signature does not match: webhook-guard diagnose {file}", flush=True)
        # Not the first 20: OpenAI sends again what failed, for three days, so a real request comes back after junk; but
        # old junk would keep out the request that fails tonight until somebody empties the folder.
        for old in sorted(folder.glob("*.http"))[:-20]:
            old.unlink(missing_ok=True)


app = ASGIWebhookMiddleware(api, path="/webhooks/openai", on_refused=save, capture=True)
