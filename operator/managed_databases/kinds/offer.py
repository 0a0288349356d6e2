"""What a project offers, in the words that people write into specs: the content of a `DatabaseCatalogue`.

Ids, addresses, and whatever names an object of somebody stay out: everybody who may read a namespace may read this.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

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
    CatalogueContent,
    OfferedEngine,
    OfferedExtension,
    OfferedFlavor,
    OfferSummary,
    ParameterList,
    QuotaLeft,
)
from managed_databases.kinds.database_project import RangeStatus
from managed_databases.kinds.datastore_catalogue import natural
from managed_databases.kinds.engines import POSTGRESQL, family
from managed_databases.kinds.project_limits import Range, quota_lines, ranges
from managed_databases.kinds.project_view import Catalogue, Power
from managed_databases.visible import visible

MAX_BYTES: Final = 300_000
"""The most bytes of the content as JSON. etcd takes objects of 1.5 MB, and there may be thousands of catalogues."""
MAX_VALUE: Final = 256
"""Characters that say what a parameter may be."""

EngineVersion = tuple[str, str]
Row = TypeVar("Row")

_UNITS: Final[tuple[tuple[str, Callable[[int], str]], ...]] = (
    ("datastores", lambda left: f"{left} datastores"),
    ("vcpus", lambda left: f"{left} vCPU"),
    ("ram", lambda left: f"{left // 1024}G RAM" if left >= 1024 else f"{left}M RAM"),
    ("disk", lambda left: f"{left}G disk"),
)


@dataclass(frozen=True)
class Offer:
    """What a project offers to all its namespaces."""

    summary: OfferSummary
    engines: tuple[OfferedEngine, ...]
    flavors: tuple[OfferedFlavor, ...]
    quotas: tuple[QuotaLeft, ...]
    left_out: tuple[str, ...] = ()
    """What is on offer and not listed."""
    parameters: Mapping[EngineVersion, Mapping[str, str]] = field(default_factory=dict)
    """The configuration parameters by engine and version."""


@dataclass(frozen=True)
class NamespaceOffer:
    """What a project offers to one namespace alone."""

    region: str
    default: bool
    powers: tuple[Power, ...] = ()
    name_prefixes: tuple[str, ...] = ()


def offer(catalogue: Catalogue, quotas: Iterable[Quota]) -> Offer:
    """Return what the project offers. The same catalogue makes the same offer, in whatever order the API tells it."""
    versions = _versions(catalogue)
    left_out: list[str] = []
    engines = _most(_engines(catalogue, versions), MAX_ENGINES, "engines", left_out)
    flavors = _most(_flavors(catalogue, versions), MAX_FLAVORS, "flavors", left_out)
    left = [
        QuotaLeft(name=_name(line.name), left=rounded_down(line.left), limit=line.limit) for line in quota_lines(quotas)
    ]
    summary = OfferSummary(
        engines=_short(", ".join(versions)),
        versions=visible("; ".join(f"{engine} {', '.join(known)}" for engine, known in versions.items()))[:1024],
        flavors=len(flavors),
        left=left_in_words(left),
    )
    parameters = {
        (type_.engine, type_.version): _values(catalogue.parameters.get(type_.id, ())) for type_ in catalogue.types
    }
    told = {of: values for of, values in parameters.items() if values}
    return Offer(summary, engines, flavors, tuple(left[:64]), tuple(left_out), told)


def content_for(offered: Offer, own: NamespaceOffer, in_use: Iterable[EngineVersion]) -> CatalogueContent:
    """Return the content for one namespace: what the project offers to all and to this one, and the parameters of the engines and
    versions that the namespace uses. It has at most MAX_BYTES.
    """
    left_out = list(offered.left_out)
    used = sorted(set(in_use) & offered.parameters.keys(), key=lambda of: (of[0], natural(of[1]), of[1]))
    lists = [
        ParameterList(engine=_name(engine), version=_version(version), values={**offered.parameters[engine, version]})
        for engine, version in used
    ]
    content = CatalogueContent(
        region=own.region[:64],
        default=own.default,
        powers=own.powers,
        name_prefixes=tuple(_name(each) for each in own.name_prefixes[:256]),
        summary=offered.summary,
        engines=offered.engines,
        flavors=offered.flavors,
        quotas=offered.quotas,
        parameters=_most(lists, MAX_PARAMETER_LISTS, "lists of parameters", left_out),
    )
    while content.parameters and _bytes(content) > MAX_BYTES:
        gone = content.parameters[-1]
        content = content.model_copy(update={"parameters": content.parameters[:-1]})
        left_out.append(f"the parameters of {gone.engine} {gone.version}")
    if _bytes(content) > MAX_BYTES:
        bare = tuple(each.model_copy(update={"extensions": ()}) for each in content.engines)
        content = content.model_copy(update={"engines": bare})
        left_out.append("the extensions")
    while content.flavors and _bytes(content) > MAX_BYTES:
        content = content.model_copy(update={"flavors": content.flavors[: len(content.flavors) // 2]})
        left_out.append(f"all but the first {len(content.flavors)} flavors")
    while content.engines and _bytes(content) > MAX_BYTES:
        content = content.model_copy(update={"engines": content.engines[: len(content.engines) // 2]})
        left_out.append(f"all but the first {len(content.engines)} engines")
    return content.model_copy(update={"left_out": "; ".join(left_out)[:256]}) if left_out else content


def rounded_down(left: int) -> int:
    """Return the number with its first two digits only, so that little use of a large quota changes nothing."""
    size = int(10 ** max(len(str(left)) - 2, 0))
    return left // size * size


def left_in_words(left: Iterable[QuotaLeft]) -> str:
    """Return for example "8 datastores, 48 vCPU, 180G RAM"; what does not fit is left out."""
    by_name = {each.name: each.left for each in left}
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
    return {engine: _in_order(found[engine]) for engine in sorted(found)}


def _in_order(versions: Iterable[str]) -> list[str]:
    """Return the versions in their natural order, which 1.0 and 1.00 have no place of their own in: these stand as text does."""
    return sorted(versions, key=lambda version: (natural(version), version))


def _engines(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> list[OfferedEngine]:
    extensions = _extensions(catalogue, versions)
    engines = []
    for engine, known in versions.items():
        limits = ranges(catalogue.limits, engine)
        engines.append(
            OfferedEngine(
                type=_name(engine),
                versions=tuple(_version(each) for each in known[:MAX_VERSIONS]),
                vcpus=_range(limits.get("vcpus")),
                ram_mb=_range(limits.get("ram")),
                disk_gb=_range(limits.get("disk")),
                extensions=tuple(extensions.get(engine, [])[:MAX_EXTENSIONS]),
            )
        )
    return engines


def _range(of: Range | None) -> RangeStatus | None:
    return None if of is None or (of.least is None and of.most is None) else RangeStatus(min=of.least, max=of.most)


def _extensions(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> dict[str, list[OfferedExtension]]:
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
            OfferedExtension(name=_name(name), versions=_unless_all(_in_order(have), versions[engine]))
            for name, have in sorted(by_name.items())
        ]
        for engine, by_name in found.items()
    }


def _unless_all(have: list[str], known: list[str]) -> tuple[str, ...]:
    return () if have == known else tuple(_version(each) for each in have[:MAX_VERSIONS])


def _flavors(catalogue: Catalogue, versions: Mapping[str, list[str]]) -> list[OfferedFlavor]:
    """Return the sizes, the smallest first. Sizes that differ only in their ids and engines are one; one that no engine on offer
    can have is none.
    """
    types = {type_.id: type_ for type_ in catalogue.types}
    found: dict[tuple[int | None, int | None, int | None, str | None], set[str]] = {}
    for flavor in catalogue.flavors:
        what = (flavor.vcpus, flavor.ram, flavor.disk, flavor.name)
        of_types = types if flavor.datastore_type_ids is None else flavor.datastore_type_ids
        found.setdefault(what, set()).update(id_ for id_ in of_types if id_ in types)
    sizes = []
    for (vcpus, ram, disk, name), ids in found.items():
        if types and not ids:
            continue
        engines = _engines_in_words([types[id_] for id_ in ids], versions) if ids != types.keys() else []
        sizes.append(
            OfferedFlavor(
                name=None if name is None else _name(name),
                vcpus=vcpus,
                ram_mb=ram,
                disk_gb=disk,
                engines=tuple(engines[:MAX_ENGINES]),
            )
        )
    return sorted(sizes, key=lambda size: (size.vcpus or 0, size.ram_mb or 0, size.disk_gb or 0, size.name or ""))


def _engines_in_words(types: Iterable[DatastoreType], versions: Mapping[str, list[str]]) -> list[str]:
    """Return for example ["kafka", "postgresql 16"]: an engine, of which not all versions are meant with its versions."""
    have: dict[str, set[str]] = {}
    for type_ in types:
        have.setdefault(type_.engine, set()).add(type_.version)
    words: list[str] = []
    for engine in sorted(have):
        some = _in_order(have[engine])
        words += [engine] if some == versions[engine] else [f"{engine} {version}" for version in some]
    return [_name(each) for each in words]


def _values(parameters: Iterable[ConfigurationParameter]) -> dict[str, str]:
    """Return in words what each parameter may be; those that nobody can change are left out."""
    changeable = [one for one in parameters if one.is_changeable is not False]
    by_name = {name: in_words(one) for one in changeable if len(name := visible(one.name)) <= 128}
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


def _most(rows: list[Row], most: int, what: str, left_out: list[str]) -> tuple[Row, ...]:
    if len(rows) > most:
        left_out.append(f"{len(rows) - most} of {len(rows)} {what}")
    return tuple(rows[:most])


def _bytes(content: CatalogueContent) -> int:
    return len(json.dumps(content.written(), separators=(",", ":")).encode())


def _name(name: str) -> str:
    return visible(name)[:128]


def _version(version: str) -> str:
    return visible(version)[:64]


def _short(text: str) -> str:
    told = visible(text)
    return told if len(told) <= MAX_SUMMARY else f"{told[: MAX_SUMMARY - 1]}…"
