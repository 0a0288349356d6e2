"""What goes into a DatabaseCatalogue, in the words of specs; what a guest must not learn stays out; it never gets too large."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import CATALOGUE, TYPES
from managed_databases.api.models import (
    AvailableExtension,
    ConfigurationParameter,
    DatastoreType,
    Flavor,
    Limit,
    Quota,
)
from managed_databases.kinds.database_catalogue import CATALOGUE as KIND
from managed_databases.kinds.database_catalogue import CatalogueContent, QuotaLeft
from managed_databases.kinds.offer import (
    MAX_BYTES,
    NamespaceOffer,
    content_for,
    in_words,
    left_in_words,
    offer,
    rounded_down,
)
from managed_databases.kinds.project_view import Catalogue


def quota(name: str, used: int, limit: int) -> Quota:
    return Quota.model_validate({"name": name, "used": used, "limit": limit})


OWN = NamespaceOffer("region-1", default=True)
QUOTAS = (
    quota("datastores", 3, 20),
    quota("vcpus", 13, 200),
    quota("ram", 4096, 409600),
    quota("disk", 10, 4000),
)
FULL = replace(
    CATALOGUE,
    types=(*CATALOGUE.types, DatastoreType(id="t16v", engine="postgresql", version="16-PGVector")),
    limits=(
        Limit.model_validate(
            {"engine": "postgresql", "vcpus": {"min": 1, "max": 64}, "ram": {"min": 1024}, "disk": {"max": 8192}}
        ),
    ),
)


def content(catalogue: Catalogue = FULL, *in_use: tuple[str, str], quotas: Any = QUOTAS) -> dict[str, Any]:
    return content_for(offer(catalogue, quotas), OWN, in_use).written()


def test_the_content_is_in_the_words_of_specs() -> None:
    found = content(FULL, ("postgresql", "16"), ("redis", "7"), ("postgresql", "99"))
    postgresql = {each["type"]: each for each in found["engines"]}["postgresql"]
    assert postgresql == {
        "type": "postgresql",
        "versions": ["9", "16", "16-PGVector"],
        "vcpus": {"min": 1, "max": 64},
        "ramMB": {"min": 1024},
        "diskGB": {"max": 8192},
        "extensions": [
            {"name": "cube"},
            {"name": "earthdistance"},
            {"name": "pgcrypto", "versions": ["16"]},
            {"name": "tsearch", "versions": ["9"]},
        ],
    }
    assert found["flavors"] == [
        {"name": "cache", "vcpus": 1, "ramMB": 1024, "diskGB": 8, "engines": ["redis"]},
        {"name": "small", "vcpus": 2, "ramMB": 4096, "diskGB": 32},
        {"name": "large", "vcpus": 4, "ramMB": 8192, "diskGB": 64},
    ]
    assert [(each["name"], each["left"], each["limit"]) for each in found["quotas"]] == [
        ("datastores", 17, 20),
        ("disk", 3900, 4000),
        ("ram", 400000, 409600),
        ("vcpus", 180, 200),
    ]
    assert found["summary"] == {
        "engines": "kafka, mysql, postgresql, redis",
        "versions": "kafka 3; mysql 8; postgresql 9, 16, 16-PGVector; redis 7",
        "flavors": 3,
        "left": "17 datastores, 180 vCPU, 390G RAM",
    }
    (parameters,) = found["parameters"]
    assert (parameters["engine"], parameters["version"]) == ("postgresql", "16")
    assert parameters["values"]["work_mem"] == "int 64 to 1000"
    assert "wal_level" not in parameters["values"], "nobody can change it"
    assert "leftOut" not in found
    CatalogueContent.model_validate(found)


def test_flavors_of_the_same_size_and_name_are_one() -> None:
    """As those of Redis, of which each version has its own."""
    types = tuple(DatastoreType(id=f"r{n}", engine="redis", version=str(n)) for n in (6, 7)) + (FULL.types[0],)
    flavors = tuple(Flavor(id=f"f{n}", name="RS1", vcpus=1, datastore_type_ids=(f"r{n}",)) for n in (6, 7))
    only = Flavor(id="f8", name="RS2", vcpus=2, datastore_type_ids=("r7", "unknown"))
    found = content(replace(FULL, types=types, flavors=(*flavors, only)))
    assert found["flavors"] == [
        {"name": "RS1", "vcpus": 1, "engines": ["redis"]},
        {"name": "RS2", "vcpus": 2, "engines": ["redis 7"]},
    ]


def test_a_size_that_no_engine_on_offer_can_have_is_not_on_offer() -> None:
    """Without engines it would read as one that all can have."""
    flavors = tuple(Flavor(id=f"f{n}", name=f"RS{n}", vcpus=n, datastore_type_ids=ids) for n, ids in enumerate(_IDS))
    assert [size["name"] for size in content(replace(FULL, flavors=flavors))["flavors"]] == ["RS2", "RS3"]


_IDS = (), ("unknown",), None, (FULL.types[0].id,)


def test_no_id_is_in_it() -> None:
    text = json.dumps(content(FULL, ("postgresql", "16")))
    ids = [*TYPES.values(), *(each.id for each in FULL.flavors), *(each.id for each in FULL.extensions or ())]
    assert not [id_ for id_ in ids if id_ in text]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)
    assert '"used"' not in text


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"type": "int", "min": 1, "max": 9, "unit": "kB", "default_value": 4}, "int 1 to 9 kB, by default 4"),
        ({"type": "int", "min": 10, "is_restart_required": True}, "int from 10; takes a restart"),
        ({"type": "float", "max": 1.5}, "float to 1.5"),
        ({"type": "bool", "default_value": False}, "bool, by default false"),
        ({"type": "str", "choices": ("on", "off")}, "str one of on, off"),
        ({"default_value": ""}, "any"),
        ({"type": "str", "default_value": "a\x1b[2Jb"}, "str, by default a\\x1b[2Jb"),
    ],
)
def test_a_parameter_in_words(parameter: dict[str, Any], words: str) -> None:
    assert in_words(ConfigurationParameter(id="1", name="one", **parameter)) == words


def test_the_name_of_a_parameter_is_visible() -> None:
    names = ("work\u202emem", "a\x1b[2Jb", "\x00" * 100)
    parameters = {TYPES["postgresql 16"]: tuple(ConfigurationParameter(id=name, name=name) for name in names)}
    (told,) = content(replace(FULL, parameters=parameters), ("postgresql", "16"))["parameters"]
    assert [*told["values"]] == ["a\\x1b[2Jb", "work\\u202emem"]


def test_a_parameter_with_many_choices_fits() -> None:
    choices = tuple(f"choice-{n}" for n in range(100))
    words = in_words(ConfigurationParameter(id="1", name="one", type="str", choices=choices, is_restart_required=True))
    assert len(words) == 256
    assert words.endswith("…; takes a restart")


@pytest.mark.parametrize(
    ("left", "rounded"), [(0, 0), (7, 7), (42, 42), (99, 99), (100, 100), (187, 180), (524_288, 520_000)]
)
def test_what_is_left_is_rounded_down(left: int, rounded: int) -> None:
    assert rounded_down(left) == rounded


def test_a_little_use_of_a_large_quota_changes_nothing() -> None:
    before, after = (content(quotas=[quota("ram", used, 10**6)]) for used in (10_001, 14_000))
    assert before == after


def test_the_column_of_quotas_fits() -> None:
    names = ("datastores", "vcpus", "ram", "disk", "others")
    rows = [QuotaLeft(name=name, left=123_456_789, limit=123_456_789) for name in names]
    assert left_in_words(rows) == "123456789 datastores, 123456789 vCPU"
    assert left_in_words([QuotaLeft(name="ram", left=512, limit=1024)]) == "512M RAM"
    assert left_in_words([]) == ""


def test_the_order_in_which_the_cloud_tells_does_not_matter() -> None:
    turned = replace(
        FULL,
        types=FULL.types[::-1],
        flavors=FULL.flavors[::-1],
        extensions=(FULL.extensions or ())[::-1],
        parameters={of: rows[::-1] for of, rows in FULL.parameters.items()},
    )
    in_use = [("postgresql", "16")]
    assert content_for(offer(FULL, QUOTAS), OWN, in_use) == content_for(offer(turned, QUOTAS[::-1]), OWN, in_use)


def test_versions_that_mean_the_same_have_an_order() -> None:
    """Or each process would write another one, and rewrite all catalogues."""
    versions = sorted(f"{'0' * zeros}1" for zeros in range(8))
    types = tuple(DatastoreType(id=f"t{version}", engine="redis", version=version) for version in versions)
    flavors = (Flavor(id="f", vcpus=1, datastore_type_ids=tuple(type_.id for type_ in types)),)
    (engine,) = content(replace(FULL, types=(*types, FULL.types[0]), flavors=flavors))["engines"][1:]
    assert engine == {"type": "redis", "versions": versions}


def test_engines_with_names_of_many_bytes_are_not_too_large() -> None:
    types = tuple(
        DatastoreType(id=f"t{engine}-{version}", engine=f"{engine:一<128}", version=f"{version:一<64}")
        for engine in range(32)
        for version in range(64)
    )
    found = content(replace(FULL, types=types, extensions=()))
    assert len(json.dumps(found)) <= MAX_BYTES + 300
    assert "engines" in found["leftOut"]
    assert found["engines"]


def absurd(rows: int) -> Catalogue:
    """More of everything than any cloud has, with the longest names."""
    types = tuple(DatastoreType(id=f"t{n}", engine=f"{n:x<200}", version=f"{n:v<200}") for n in range(60))
    return Catalogue(
        types=types,
        flavors=tuple(Flavor(id=f"f{n}", name=f"{n:f<300}", vcpus=n, datastore_type_ids=("t1",)) for n in range(rows)),
        parameters={
            type_.id: tuple(
                ConfigurationParameter(id=str(n), name=f"{n:p<120}", type="str", default_value="d" * 1000)
                for n in range(rows)
            )
            for type_ in types
        },
        extensions=tuple(
            AvailableExtension(id=f"e{n}", name=f"{n:e<300}", datastore_type_ids=tuple(f"t{n}" for n in range(60)))
            for n in range(rows)
        ),
        known=True,
    )


@pytest.mark.parametrize("rows", [50, 2_000])
def test_it_is_never_too_large(rows: int) -> None:
    found = content(absurd(rows), *((f"{n:x<200}", f"{n:v<200}") for n in range(20)))
    assert len(json.dumps(found)) <= MAX_BYTES + 300
    assert found["leftOut"]
    CatalogueContent.model_validate(found)


def test_its_columns_are_fields() -> None:
    found: Any = content(FULL)
    for column in KIND.columns:
        place = found
        if not column.path.startswith(".metadata"):
            for part in column.path.removeprefix(".").split("."):
                place = place[part]
