"""What a project offers, in the words that people write into specs: the content of a `DatabaseCatalogue`.

Ids, addresses, and whatever names an object of somebody stay out: everybody who may read a namespace may read this.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from managed_databases.api.models import ConfigurationParameter, DatastoreType, Quota
from managed_databases.kinds.database_catalogue import (
    MAX_ENGINES,
    MAX_EXTENSIONS,
    MAX_FLAVORS,
    MAX_LEFT,
    MAX_PARAMETER_LISTS,
    MAX_PARAMETERS,
    MAX_SUMMARY,
    MAX_VERSIONS,
)
from managed_databases.kinds.datastore_catalogue import natural
from managed_databases.kinds.engines import POSTGRESQL, family
from managed_databases.kinds.project_limits import Range, quota_lines, ranges
from managed_databases.kinds.project_view import Catalogue
from managed_databases.visible import visible

MAX_BYTES: Final = 300_000
"""The most bytes of the content as JSON. etcd takes objects of 1.5 MB, and there may be thousands of catalogues."""
MAX_VALUE: Final = 256
"""Characters that say what a parameter may be."""

Content = dict[str, Any]
EngineVersion = tuple[str, str]

_UNITS: Final[tuple[tuple[str, Callable[[int], str]], ...]] = (
    ("datastores", lambda left: f"{left} datastores"),
    ("vcpus", lambda left: f"{left} vCPU"),
    ("ram", lambda left: f"{left // 1024}G RAM" if left >= 1024 else f"{left}M RAM"),
    ("disk", lambda left: f"{left}G disk"),
)


@dataclass(frozen=True)
class Offer:
    """What a project offers to all its namespaces, by the names of the fields of `CatalogueContent`."""

    content: Content
    left_out: tuple[str, ...] = ()
    parameters: Mapping[EngineVersion, Content] = field(default_factory=dict)
    """The configuration parameters by engine and version."""


def offer(catalogue: Catalogue, quotas: Iterable[Quota]) -> Offer:
    """Return what the project offers. The same catalogue makes the same offer, in whatever order the API tells it."""
    versions = _versions(catalogue)
    left_out: list[str] = []
    engines = _most(_engines(catalogue, versions), MAX_ENGINES, "engines", left_out)
    flavors = _most(_flavors(catalogue, versions), MAX_FLAVORS, "flavors", left_out)
    left = [
        {"name": _name(line.name), "left": rounded_down(line.left), "limit": line.limit} for line in quota_lines(quotas)
    ]
    summary = {
        "engines": _short(", ".join(versions)),
        "versions": visible("; ".join(f"{engine} {', '.join(known)}" for engine, known in versions.items()))[:1024],
        "flavors": len(flavors),
        "left": left_in_words(left),
    }
    content: Content = {"summary": summary, "engines": engines, "flavors": flavors, "quotas": left[:64]}
    parameters = {
        (type_.engine, type_.version): _values(catalogue.parameters.get(type_.id, ())) for type_ in catalogue.types
    }
    return Offer(content, tuple(left_out), {of: values for of, values in parameters.items() if values})


def content_for(offered: Offer, own: Content, in_use: Iterable[EngineVersion]) -> Content:
    """Return the content for one namespace: what the project offers, the namespace's `own` fields, and the parameters of the
    engines and versions that it uses. It has at most MAX_BYTES.
    """
    left_out = list(offered.left_out)
    used = sorted(set(in_use) & offered.parameters.keys(), key=lambda of: (of[0], natural(of[1])))
    lists = [
        {"engine": _name(engine), "version": _version(version), "values": offered.parameters[engine, version]}
        for engine, version in used
    ]
    content = own | offered.content
    content["parameters"] = _most(lists, MAX_PARAMETER_LISTS, "lists of parameters", left_out)
    while content["parameters"] and _bytes(content) > MAX_BYTES:
        gone = content["parameters"].pop()
        left_out.append(f"the parameters of {gone['engine']} {gone['version']}")
    if _bytes(content) > MAX_BYTES:
        content["engines"] = [
            {name: value for name, value in each.items() if name != "extensions"} for each in content["engines"]
        ]
        left_out.append("the extensions")
    while content["flavors"] and _bytes(content) > MAX_BYTES:
        content["flavors"] = content["flavors"][: len(content["flavors"]) // 2]
        left_out.append(f"all but the first {len(content['flavors'])} flavors")
    if left_out:
        content["leftOut"] = "; ".join(left_out)[:256]
    return {name: value for name, value in content.items() if value not in ([], None)}


def rounded_down(left: int) -> int:
    """Return the number with its first two digits only, so that little use of a large quota changes nothing."""
    size = int(10 ** max(len(str(left)) - 2, 0))
    return left // size * size


def left_in_words(left: Iterable[Content]) -> str:
    """Return for example "8 datastores, 48 vCPU, 180G RAM"; what does not fit is left out."""
    by_name = {each["name"]: each["left"] for each in left}
    told = ""
    for name, words in _UNITS:
        if name in by_name and len(longer := f"{told}, {words(by_name[name])}".removeprefix(", ")) <= MAX_LEFT:
            told = longer
    return told


def _versions(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return the versions by engine, both in order."""
    found: dict[str, set[str]] = {}
    for type_ in catalogue.types:
        found.setdefault(type_.engine, set()).add(type_.version)
    return {engine: sorted(found[engine], key=natural) for engine in sorted(found)}


def _engines(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> list[Content]:
    extensions = _extensions(catalogue, versions)
    engines = []
    for engine, known in versions.items():
        limits = {
            name: _range(ranges(catalogue.limits, engine).get(of))
            for name, of in (("vcpus", "vcpus"), ("ramMB", "ram"), ("diskGB", "disk"))
        }
        told: Content = {"type": _name(engine), "versions": [_version(each) for each in known[:MAX_VERSIONS]], **limits}
        told["extensions"] = extensions.get(engine, [])[:MAX_EXTENSIONS]
        engines.append({name: value for name, value in told.items() if value})
    return engines


def _range(of: Range | None) -> Content | None:
    if of is None:
        return None
    return {name: number for name, number in (("min", of.least), ("max", of.most)) if number is not None}


def _extensions(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> dict[str, list[Content]]:
    """Return the extensions by engine. One that does not tell its types counts for every PostgreSQL."""
    types = {type_.id: type_ for type_ in catalogue.types}
    postgresql = [type_.id for type_ in catalogue.types if family(type_.engine) == POSTGRESQL]
    found: dict[str, dict[str, set[str]]] = {}
    for extension in catalogue.extensions or ():
        for id_ in postgresql if extension.datastore_type_ids is None else extension.datastore_type_ids:
            if (type_ := types.get(id_)) is not None:
                found.setdefault(type_.engine, {}).setdefault(extension.name, set()).add(type_.version)
    return {
        engine: [
            {"name": _name(name)} | _unless_all("versions", sorted(have, key=natural), versions[engine])
            for name, have in sorted(by_name.items())
        ]
        for engine, by_name in found.items()
    }


def _unless_all(name: str, have: list[str], known: list[str]) -> Content:
    return {} if have == known else {name: [_version(each) for each in have[:MAX_VERSIONS]]}


def _flavors(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> list[Content]:
    """Return the sizes, the smallest first. Sizes that differ only in their ids and engines are one."""
    types = {type_.id: type_ for type_ in catalogue.types}
    found: dict[tuple[int | None, int | None, int | None, str | None], set[str]] = {}
    for flavor in catalogue.flavors:
        what = (flavor.vcpus, flavor.ram, flavor.disk, flavor.name)
        of_types = types if flavor.datastore_type_ids is None else flavor.datastore_type_ids
        found.setdefault(what, set()).update(id_ for id_ in of_types if id_ in types)
    sizes: list[Content] = []
    for (vcpus, ram, disk, name), ids in found.items():
        told = {"name": None if name is None else _name(name), "vcpus": vcpus, "ramMB": ram, "diskGB": disk}
        engines = _engines_in_words([types[id_] for id_ in ids], versions) if ids != types.keys() else []
        sizes.append({key: value for key, value in told.items() if value is not None})
        sizes[-1] |= {"engines": engines[:MAX_ENGINES]} if engines else {}
    return sorted(
        sizes, key=lambda size: (*(size.get(of, 0) for of in ("vcpus", "ramMB", "diskGB")), size.get("name", ""))
    )


def _engines_in_words(types: Iterable[DatastoreType], versions: Mapping[str, list[str]]) -> list[str]:
    """Return for example ["kafka", "postgresql 16"]: an engine, of which not all versions are meant with its versions."""
    have: dict[str, set[str]] = {}
    for type_ in types:
        have.setdefault(type_.engine, set()).add(type_.version)
    words: list[str] = []
    for engine in sorted(have):
        some = sorted(have[engine], key=natural)
        words += [engine] if some == versions[engine] else [f"{engine} {version}" for version in some]
    return [_name(each) for each in words]


def _values(parameters: Iterable[ConfigurationParameter]) -> Content:
    """Return in words what each parameter may be; those that nobody can change are left out."""
    by_name = {one.name: in_words(one) for one in parameters if one.is_changeable is not False and len(one.name) <= 128}
    return {name: by_name[name] for name in sorted(by_name)[:MAX_PARAMETERS]}


def in_words(parameter: ConfigurationParameter) -> str:
    """Return for example "int 64 to 2147483647 kB, by default 4096; takes a restart"."""
    words = [parameter.type or "any"]
    if parameter.choices:
        words.append(f"one of {', '.join(map(_value, parameter.choices))}")
    elif parameter.min is not None and parameter.max is not None:
        words.append(f"{parameter.min} to {parameter.max}")
    elif parameter.min is not None or parameter.max is not None:
        words.append(f"from {parameter.min}" if parameter.max is None else f"to {parameter.max}")
    if parameter.unit:
        words.append(parameter.unit)
    default = "" if parameter.default_value in (None, "") else f", by default {_value(parameter.default_value)}"
    restart = "; takes a restart" if parameter.is_restart_required else ""
    room = MAX_VALUE - len(restart)
    told = visible(" ".join(words) + default)
    return (told if len(told) <= room else f"{told[: room - 1]}…") + restart


def _value(told: object) -> str:
    return json.dumps(told) if isinstance(told, bool) else str(told)


def _most(rows: list[Content], most: int, what: str, left_out: list[str]) -> list[Content]:
    if len(rows) > most:
        left_out.append(f"{len(rows) - most} of {len(rows)} {what}")
    return rows[:most]


def _bytes(content: Content) -> int:
    return len(json.dumps(content, separators=(",", ":")).encode())


def _name(name: str) -> str:
    return visible(name)[:128]


def _version(version: str) -> str:
    return visible(version)[:64]


def _short(text: str) -> str:
    told = visible(text)
    return told if len(told) <= MAX_SUMMARY else f"{told[: MAX_SUMMARY - 1]}…"
