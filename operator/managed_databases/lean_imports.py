"""Keeps a running operator from loading what its dependencies import and it does not use: a fifth of its memory at the start."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Final

BARE_PACKAGES: Final = ("kubernetes", "kubernetes.aio")
"""Packages of which only the named modules are loaded. Their own `__init__` imports the clients for threads, for watches and
for shells, with requests, oauthlib and websocket.
"""
ABSENT: Final = ("anyio", "kubernetes.client", "httpx._main", "rich")
"""Modules that kopf, httpx and structlog do without if they are not installed. What httpcore needs of anyio, the API's client has
for it (api/asyncio_waits.py).
"""


def leave_out() -> None:
    """Leave all this out. Must be called before kopf, kubernetes, httpx or structlog is imported, and by the operator's own
    process only: nothing that is absent can be imported later.
    """
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment] # how Python is told that a module is not there
    for name in BARE_PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError(f"{name} is not installed as a package")
        module = ModuleType(name)
        module.__spec__, module.__path__ = spec, list(spec.submodule_search_locations)
        sys.modules[name] = module
