"""Texts with `{{ variable | filter }}` in them, from which a spec makes keys of a credentials Secret.

The language has no loops, no conditions and no calls: a text costs as much time as it is long, and reaches nothing but the login.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from managed_databases.kinds.application_login import KAFKA_MECHANISM, ApplicationLogin, jaas_quoted

MAX_RESULT: Final = 64 * 1024
"""The most characters of a text once it is filled in."""

VARIABLES: Final[Mapping[str, Callable[[ApplicationLogin], str | None]]] = {
    "type": lambda login: login.kind,
    "host": lambda login: login.host,
    "port": lambda login: login.port,
    "username": lambda login: login.username,
    "password": lambda login: login.password,
    "database": lambda login: login.database,
    "hosts": lambda login: ",".join(login.where.hosts) or None,
    "publicHost": lambda login: login.where.public.read_write,
    "readOnlyHost": lambda login: login.where.read_only,
    "poolerPort": lambda login: None if login.where.pooler_port is None else str(login.where.pooler_port),
    "uri": lambda login: login.uri,
    "jdbcUrl": lambda login: login.jdbc_url,
    "tls": lambda login: login.tls,
    "caPath": lambda login: login.ca_path,
    "caCertificate": lambda login: login.ca_certificate,
    "bootstrapServers": lambda login: login.bootstrap_servers,
    "saslMechanism": lambda _: KAFKA_MECHANISM,
    "jaasConfig": lambda login: login.jaas,
}

FILTERS: Final[Mapping[str, Callable[[str], str]]] = {
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps(text, ensure_ascii=False),
    "yaml": lambda text: _yaml(text),
    "shell": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "libpq": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "ado": lambda text: '"' + text.replace('"', '""') + '"',
    "jaas": lambda text: f'"{jaas_quoted(text)}"',
    "properties": lambda text: properties_escaped(text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}
"""Each filter quotes for one kind of reader; `yaml` is a double-quoted scalar, which YAML and JSON both read."""

_BEYOND_ASCII: Final = re.compile("[\\x7f-\\uffff]")

_HOLE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_CALL: Final = re.compile(
    rf" *({'|'.join(VARIABLES)}) *(?:\| *({'|'.join(FILTERS)}) *)?(?:\| *({'|'.join(FILTERS)}) *)?"
)
PATTERN: Final = (
    r"^([^{]|\{[^{]|\{\{ *(" + "|".join(VARIABLES) + r") *(\| *(" + "|".join(FILTERS) + r") *){0,2}\}\})*\{?$"
)
"""The texts without a mistake, for the API server."""


class TemplateRefused(Exception):
    """The text cannot be filled in. The message completes "the template ..."; it holds nothing of the login."""


def filled(text: str, login: ApplicationLogin) -> str:
    """Return the text with the values of the login in it. Raises TemplateRefused."""
    parts: list[str] = []
    length, at = 0, 0
    for hole in _HOLE.finditer(text):
        parts += (text[at : hole.start()], _value(hole.group(1), login))
        at = hole.end()
        length += len(parts[-1]) + len(parts[-2])
        if length > MAX_RESULT:
            raise TemplateRefused(f"gets longer than {MAX_RESULT} characters")
    rest = text[at:]
    if "{{" in rest:
        raise TemplateRefused("opens {{ and does not close it")
    return "".join((*parts, rest))


def _value(inside: str, login: ApplicationLogin) -> str:
    call = _CALL.fullmatch(inside)
    if call is None:
        raise TemplateRefused(
            f"says {{{{{inside[:40]}}}}}: variables are {', '.join(VARIABLES)}, and up to two filters are {', '.join(FILTERS)}"
        )
    name, *filters = call.groups()
    value = VARIABLES[name](login)
    if value is None:
        raise TemplateRefused(f"needs {name}, which there is not")
    for each in filters:
        value = FILTERS[each](value) if each is not None else value
    return value


def properties_escaped(value: str) -> str:
    """Return a value for a file of Java properties: backslashes doubled, line breaks and what is not ASCII as escapes."""
    escapes = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    text = "".join(escapes.get(each, each if " " <= each <= "~" else _unicode_escape(each)) for each in value)
    return f"\\{text}" if text.startswith(" ") else text


def _unicode_escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _yaml(text: str) -> str:
    """Return a text in double quotes. Characters beyond the BMP stay as they are: JSON writes them as two escapes, and YAML reads
    these as two characters that are none.
    """
    return _BEYOND_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
