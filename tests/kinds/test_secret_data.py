from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, PROJECT, datastore, parent, seen_datastore, seen_user, uuid
from managed_databases.api.models import Database, Instance
from managed_databases.kinds.application_login import ApplicationLogin
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.credentials_spec import CredentialsSpec
from managed_databases.kinds.database_user import KIND as USER
from managed_databases.kinds.datastore_endpoints import Endpoints
from managed_databases.kinds.managed_datastore import KIND as DATASTORE
from managed_databases.kinds.observed import Referred, SpecRefused
from managed_databases.kinds.secret_data import MAX_FURTHER, incomplete, secret_data

assert USER.credential is not None
assert DATASTORE.credential is not None
CONTENT, LEFT_OUT = USER.credential.content, USER.credential.left_out
PASSWORD = SecretStr("pw")
LOGIN = ApplicationLogin("postgresql", Endpoints(("m",), "m", None, 5432, 5433), "app", "pw", "orders")
ORDERS = Referred("ManagedDatabase orders", id=uuid(70), object=Database(id=uuid(70), name="o", datastore_id=MAIN))
CERTIFIED = replace(PROJECT, ca_certificate="PEM")


def further(
    spec: dict[str, Any], *others: str, login: ApplicationLogin = LOGIN
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The keys that the spec adds to those without a spec, and what is left out."""
    made = secret_data(login, CredentialsSpec.model_validate(spec), frozenset(others))
    plain = secret_data(login, None, frozenset())
    assert plain.data.items() <= {**plain.data, **made.data}.items()
    return {key: value for key, value in made.data.items() if key not in plain.data}, made.left_out


def test_presets_with_a_prefix_and_a_template() -> None:
    keys, left_out = further(
        {
            "presets": ["jdbc", "libpq"],
            "keyPrefix": "SHOP_",
            "template": {"shop.conf": "user={{ username }}\npassword={{ password | ado }}\n"},
        }
    )
    assert left_out == ()
    assert keys.keys() == {
        *(f"SHOP_JDBC_DATABASE_{each}" for each in ("URL", "USERNAME", "PASSWORD")),
        *(f"SHOP_PG{each}" for each in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SSLMODE")),
        "shop.conf",
    }
    assert keys["shop.conf"] == 'user=app\npassword="pw"\n'


@pytest.mark.parametrize(
    ("why", "spec", "others", "left_out"),
    [
        ("the engine", {"presets": ["redis"]}, (), "the preset redis is for redis, and this is postgresql"),
        ("a mistake", {"template": {"a": "{{ no }}"}}, (), "the template of a says {{ no }}"),
        ("a missing fact", {"template": {"a": "{{ readOnlyHost }}"}}, (), "the template of a needs readOnlyHost"),
        (
            "the login",
            {"template": {"password": "x"}},
            (),
            "the template of password: the key password is one of the login",
        ),
        ("the login", {"template": {"type": "x"}}, (), "the key type is one of the login"),
        ("the login", {"template": {"ca.crt": "x"}}, (), "the key ca.crt is one of the login"),
        ("another's", {"template": {"a": "x"}}, ("a",), "somebody else has written the key a into the Secret"),
        (
            "another's",
            {"presets": ["libpq"]},
            ("PGHOST",),
            "the preset libpq: somebody else has written the key PGHOST",
        ),
        (
            "written twice",
            {"presets": ["libpq"], "template": {"PGHOST": "x"}},
            (),
            "the template of PGHOST: the key PGHOST is written by something else",
        ),
        ("no replica", {"endpoint": "ReadOnly"}, (), "the endpoint ReadOnly: the datastore has no replica"),
    ],
)
def test_what_cannot_be_written_is_told_and_stops_nothing(
    why: str, spec: dict[str, Any], others: tuple[str, ...], left_out: str
) -> None:
    keys, told = further({**spec, "template": {**spec.get("template", {}), "good": "{{ host }}"}}, *others)
    assert keys["good"] == "m", why
    assert len(told) == 1, why
    assert left_out in told[0], why
    assert not keys.keys() & {*others}, why


def test_all_keys_together_have_a_bound() -> None:
    login = replace(LOGIN, ca_certificate="P" * 60_000)
    keys, told = further({"template": {f"key-{n}": "{{ caCertificate }}" for n in range(9)}}, login=login)
    assert sum(map(len, keys.values())) <= MAX_FURTHER
    assert "have more than" in told[0]


def test_a_key_of_others_stays_also_under_a_name_that_repeats_the_login() -> None:
    assert "jdbc-url" not in secret_data(LOGIN, None, frozenset({"jdbc-url"})).data


def test_a_template_may_write_a_name_that_repeats_the_login() -> None:
    made = secret_data(LOGIN, CredentialsSpec(template={"jdbc-url": "jdbc:{{ host }}"}), frozenset())
    assert (made.data["jdbc-url"], made.left_out) == ("jdbc:m", ())


def test_incomplete_is_a_condition() -> None:
    assert incomplete(()) == {}
    assert incomplete(("one", "two"))["CredentialsIncomplete"][::2] == (True, "one; two")
    seen = replace(seen_user(), held_secret=HeldSecret(left_out=("one",)))
    assert "CredentialsIncomplete" in USER.conditions(seen)
    cache = replace(seen_datastore(external=datastore()), held_secret=HeldSecret(left_out=("one",)))
    assert "CredentialsIncomplete" in DATASTORE.conditions(cache)


@pytest.mark.parametrize(
    ("why", "spec", "held", "mode", "root"),
    [
        ("new", {}, {}, "verify-full", "/bindings/app/ca.crt"),
        ("of an earlier version", {}, {"sslmode": "require"}, "require", None),
        ("asked for", {"tls": "verify-ca"}, {"sslmode": "require"}, "verify-ca", "/bindings/app/ca.crt"),
        ("elsewhere", {"mountPath": "/etc/db/"}, {}, "verify-full", "/etc/db/ca.crt"),
        ("at the root", {"mountPath": "/"}, {}, "verify-full", "/ca.crt"),
        ("not wanted", {"tls": "require"}, {"sslmode": "verify-full"}, "require", None),
    ],
)
def test_how_a_user_checks_the_server(
    why: str, spec: dict[str, Any], held: dict[str, str], mode: str, root: str | None
) -> None:
    seen = replace(seen_user({"credentials": spec}), project=CERTIFIED, held_secret=HeldSecret(held))
    data = CONTENT(seen, PASSWORD)
    assert data["sslmode"] == mode, why
    assert data["uri"].partition("?")[2] == f"sslmode={mode}" + (f"&sslrootcert={root}" if root else ""), why
    again = replace(seen, held_secret=HeldSecret({**data}))
    assert CONTENT(again, PASSWORD) == data, "what is written stays"


@pytest.mark.parametrize(
    ("why", "spec", "database", "told"),
    [
        ("the only one", {"databases": [{"name": "orders"}]}, "o", False),
        ("the only one, twice", {"databases": [{"name": "orders"}, {"name": "orders"}]}, "o", False),
        ("which of them?", {"databases": [{"name": "orders"}, {"name": "facts"}]}, None, True),
        ("said", {"databases": [{"name": "orders"}, {"name": "facts"}], "databaseRef": {"name": "orders"}}, "o", False),
        ("none", {}, None, False),
        ("none", {"databases": []}, None, False),
    ],
)
def test_the_database_of_the_secret(why: str, spec: dict[str, Any], database: str | None, told: bool) -> None:
    reference = next(each for each in USER.references if each.field == "databaseRef")
    refs = {"databaseRef": ORDERS} if reference.of(seen_user(spec).spec) is not None else {}
    seen = seen_user(spec, refs=refs)
    assert CONTENT(seen, PASSWORD).get("database") == database, why
    assert any("databaseRef" in each for each in LEFT_OUT(seen, PASSWORD)) == told, why


def test_no_database_in_kafka() -> None:
    with pytest.raises(SpecRefused, match="databases: a database is only"):
        USER.body(seen_user({"databases": [{"name": "orders"}]}, refs={"datastoreRef": parent("kafka 3")}), None)


@pytest.mark.parametrize(
    ("spec", "public", "host", "left_out"),
    [
        ({}, "203.0.113.7", "master.example", None),
        ({"address": "Public"}, "203.0.113.7", "203.0.113.7", None),
        ({"address": "Public"}, None, "master.example", "the address Public: the node has no public address"),
        (
            {"address": "Public", "endpoint": "ReadOnly"},
            "203.0.113.7",
            "203.0.113.7",
            "the endpoint ReadOnly: no replica",
        ),
    ],
)
def test_the_address_of_the_secret(spec: dict[str, Any], public: str | None, host: str, left_out: str | None) -> None:
    node = Instance(id=uuid(80), role="MASTER", floating_ip=public)
    seen = seen_user({"credentials": spec}, refs={"datastoreRef": parent(instances=(node,))})
    data, told = CONTENT(seen, PASSWORD), LEFT_OUT(seen, PASSWORD)
    assert data["host"] == host
    assert f"@{host}:5432" in data["uri"]
    assert "hosts" not in data, "one node"
    assert (told == ()) if left_out is None else told[0].startswith(left_out)
    again = replace(seen, held_secret=HeldSecret({**data}))
    assert CONTENT(again, PASSWORD) == data, "what is written stays"


def test_both_addresses_in_a_template() -> None:
    node = Instance(id=uuid(80), role="MASTER", floating_ip="203.0.113.7")
    text = "host={{ host }} hostaddr={{ publicHost }}"
    spec = {"credentials": {"template": {"conninfo": text}}}
    seen = seen_user(spec, refs={"datastoreRef": parent(instances=(node,))})
    assert CONTENT(seen, PASSWORD)["conninfo"] == "host=master.example hostaddr=203.0.113.7"


def test_a_redis_has_credentials_of_its_own() -> None:
    assert DATASTORE.credential is not None
    spec = {"engine": {"type": "redis", "version": "7"}, "credentials": {"presets": ["redis"], "labels": {"a": "b"}}}
    seen = seen_datastore(spec, external=datastore())
    data = DATASTORE.credential.content(seen, PASSWORD)
    assert data["REDIS_URL"] == data["url"] == data["uri"] == "rediss://default:pw@master.example:6380"
    assert DATASTORE.credential.labels(seen.spec) == {"a": "b"}


@pytest.mark.parametrize(
    ("spec", "name"),
    [({}, None), ({"secretName": "a"}, "a"), ({"credentials": {"name": "b"}}, "b"), ({"credentials": {}}, None)],
)
def test_the_name_of_the_secret(spec: dict[str, Any], name: str | None) -> None:
    assert USER.credential is not None
    assert USER.credential.secret_name(seen_user(spec).spec) == name
