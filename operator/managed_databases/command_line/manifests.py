"""Reads manifests from files, folders and standard input."""

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from managed_databases.command_line.problems import BadUsage
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, VERSION, kinds
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.visible import visible

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
SECRET: Final = "Secret"
NAMESPACE: Final = "Namespace"
MAX_VALUES: Final = 200_000
"""The most values of a manifest; what aliases (`*name`) repeat counts each time."""
DEEPEST: Final = 100


@dataclass
class Manifests:
    """What was read: resources of our kinds, Secrets and Namespaces, by their names. `others` counts what is none of these."""

    resources: dict[ResourceKey, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    namespaces: dict[str, dict[str, Any]] = field(default_factory=dict)
    others: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """Where each resource and each Secret was found."""

    def found(self, what: str, file: str) -> None:
        """Note where it is. Raises BadUsage if it was found before: nobody knows which of the two is meant."""
        if what in self.files:
            before = self.files[what]
            where = "" if before == file else f", and in {before}: name with -f the files that belong together"
            raise BadUsage(f"{file}: {what} is there twice{where}")
        self.files[what] = file


def read_manifests(places: Iterable[str], namespace: str) -> Manifests:
    """Read all of it; `namespace` is for manifests without one. Raises BadUsage."""
    found = Manifests()
    for place in places:
        for name, text in _texts(place):
            for document in _documents(name, text):
                _enter(found, name, document, namespace)
    return found


def _texts(place: str) -> Iterator[tuple[str, str]]:
    if place == STDIN:
        try:
            yield "standard input", sys.stdin.buffer.read().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(f"standard input cannot be read: {_why(error)}") from None
        return
    path = Path(place)
    try:
        if not path.exists():
            raise BadUsage(f"there is no file or folder {place}")
        files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES) if path.is_dir() else [path]
    except (OSError, ValueError) as error:
        raise BadUsage(f"{visible(place)} cannot be read: {_why(error)}") from None
    if not files:
        raise BadUsage(f"{place} has no file that ends with {', '.join(SUFFIXES)}")
    for file in files:
        try:
            yield str(file), file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(f"{file} cannot be read: {_why(error)}") from None


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is no text in UTF-8 (byte {error.start}); write it as UTF-8"
    return (isinstance(error, OSError) and error.strerror) or str(error)


class _Loader(yaml.SafeLoader):
    """Reads a date as text, as kubectl does."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(name: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        documents = list(yaml.load_all(text, _Loader))  # a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise BadUsage(
            f"{name}{where}: this is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}"
        ) from None
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise BadUsage(f"{name}: a manifest is a mapping with apiVersion, kind and metadata")
        items = document.get("items")
        if document.get("kind") == "List" and isinstance(items, list):
            yield from (each for each in items if isinstance(each, dict))
        else:
            yield document


def _enter(found: Manifests, name: str, document: dict[str, Any], namespace: str) -> None:
    api, kind_name = document.get("apiVersion"), document.get("kind")
    is_ours = isinstance(api, str) and api.startswith(f"{GROUP}/")
    if not is_ours and (api, kind_name) not in (("v1", SECRET), ("v1", NAMESPACE)):
        found.others += 1
        return
    check_json(f"{name}: a {kind_name if isinstance(kind_name, str) else 'manifest'}", document)
    metadata = document.get("metadata")
    told = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(told, str) or not told:
        raise BadUsage(f"{name}: a {kind_name} has no metadata.name")
    assert isinstance(metadata, dict)
    place = metadata.get("namespace") or namespace
    if not isinstance(place, str):
        raise BadUsage(f"{name}: metadata.namespace of the {kind_name} {told} is no text")
    for where, holder in (("labels", metadata), ("annotations", metadata), ("stringData", document)):
        if where != "stringData" or not is_ours:
            _check_texts(f"{name}: {where} of the {kind_name} {told}", holder.get(where))
    if kind_name == NAMESPACE:
        found.namespaces[told] = document
        return
    if not is_ours:
        found.found(f"{SECRET} {place}/{told}", name)
        found.secrets[place, told] = document
        return
    kind = _kind(name, api, kind_name)
    key = ResourceKey(kind.name, place if kind.namespaced else "", told)
    found.found(str(key), name)
    if not isinstance(document.get("spec", {}), dict):
        raise BadUsage(f"{name}: the spec of {key} is no mapping")
    found.resources[key] = document


def _check_texts(what: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise BadUsage(f"{what} are no mapping of texts to texts: quote numbers, dates, true and false")


def check_json(what: str, document: object) -> None:
    """Raise BadUsage if a document has what JSON, and so the API server, has no words for."""
    left = [(document, 1)]
    seen = 0
    while left:
        value, depth = left.pop()
        seen += 1
        if seen > MAX_VALUES or depth > DEEPEST:
            raise BadUsage(f"{what} is too large: {MAX_VALUES} values, {DEEPEST} in one another, are the most")
        if isinstance(value, dict):
            left += [(each, depth + 1) for each in value.values()]
            if not all(isinstance(each, str) and _is_text(each) for each in value):
                raise BadUsage(f"{what} has a key that is no text: quote numbers, dates, true and false")
        elif isinstance(value, list):
            left += [(each, depth + 1) for each in value]
        elif not _is_in_json(value):
            raise BadUsage(f"{what} has a value that JSON does not know ({type(value).__name__})")


def _is_in_json(value: object) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**64)


def _is_text(value: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in value)


def _kind(name: str, api: object, told: object) -> Kind:
    kind = kinds().get(told) if isinstance(told, str) else None
    if kind is None or api != f"{GROUP}/{VERSION}":
        known = ", ".join(kinds())
        raise BadUsage(f"{name}: there is no kind {told} in {api}; {GROUP}/{VERSION} has {known}")
    return kind
