"""Files with the whole login: one key of a credentials Secret that holds all login keys in one format."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, get_args

from managed_databases.kinds.application_login import ApplicationLogin
from managed_databases.kinds.login_keys import login_keys
from managed_databases.kinds.secret_template import FILTERS

FileFormat = Literal["env", "json", "yaml", "properties"]
_LEFT_OUT: Final = "certificates"
"""Repeats ca.crt, for readers of single keys."""


def file_of(format_: FileFormat, login: ApplicationLogin, key_prefix: str = "") -> str:
    """Return the text of a file with the login. `key_prefix` stands before the names in an env file."""
    keys = {key: value for key, value in login_keys(login).items() if key != _LEFT_OUT} | {"password": login.password}
    return _FORMATS[format_](keys, key_prefix)


def _env(keys: Mapping[str, str], prefix: str) -> str:
    quote = FILTERS["shell"]
    return "".join(f"{prefix}{re.sub('[^A-Z0-9]', '_', key.upper())}={quote(value)}\n" for key, value in keys.items())


def _json(keys: Mapping[str, str], _: str) -> str:
    return json.dumps(keys, ensure_ascii=False, indent=2) + "\n"


def _yaml(keys: Mapping[str, str], _: str) -> str:
    return "".join(f"{key}: {FILTERS['yaml'](value)}\n" for key, value in keys.items())


def _properties(keys: Mapping[str, str], _: str) -> str:
    return "".join(f"{key}={FILTERS['properties'](value)}\n" for key, value in keys.items())


_FORMATS: Final[Mapping[FileFormat, Callable[[Mapping[str, str], str], str]]] = {
    "env": _env,
    "json": _json,
    "yaml": _yaml,
    "properties": _properties,
}
assert set(_FORMATS) == set(get_args(FileFormat))
