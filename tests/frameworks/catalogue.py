"""All frameworks, by the names of their modules."""

from frameworks import (
    bottle,
    django_asgi,
    django_wsgi,
    falcon_asgi,
    falcon_wsgi,
    fastapi,
    flask,
    litestar,
    plain_asgi,
    plain_wsgi,
    quart,
    starlette,
)
from frameworks.kit import Framework

FRAMEWORKS: dict[str, Framework] = {
    "starlette": starlette.FRAMEWORK,
    "fastapi": fastapi.FRAMEWORK,
    "litestar": litestar.FRAMEWORK,
    "quart": quart.FRAMEWORK,
    "django_asgi": django_asgi.FRAMEWORK,
    "django_wsgi": django_wsgi.FRAMEWORK,
    "flask": flask.FRAMEWORK,
    "bottle": bottle.FRAMEWORK,
    "falcon_asgi": falcon_asgi.FRAMEWORK,
    "falcon_wsgi": falcon_wsgi.FRAMEWORK,
    "plain_asgi": plain_asgi.FRAMEWORK,
    "plain_wsgi": plain_wsgi.FRAMEWORK,
}
