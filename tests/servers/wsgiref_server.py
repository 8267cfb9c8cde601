"""Serves a WSGI app with the standard library's own server: ``python -m servers.wsgiref_server PORT MODULE:APP``."""

import sys
from importlib import import_module
from wsgiref.simple_server import make_server

_, port, target = sys.argv
module, _, name = target.partition(":")
make_server("127.0.0.1", int(port), getattr(import_module(module), name)).serve_forever()
