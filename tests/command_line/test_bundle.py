"""No secret gets into a support bundle: what is searched for, and that it is found in every spelling."""

import base64
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from managed_databases.api.masking import Masks, forms
from managed_databases.command_line.bundle import (
    LEFT_OUT,
    Bundle,
    bare,
    deployment_told,
    only_names,
    packed,
    possible,
)
from managed_databases.command_line.bundle_secrets import (
    long_enough,
    secrets_of,
    secrets_of_environment,
    secrets_of_kubeconfig,
)
from managed_databases.command_line.person import Person, Raw
from managed_databases.command_line.problems import MissingRight
from managed_databases.command_line.support_bundle_command import gathered_secrets, read_log
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, OWN, SecretContent
from stories.leaks import leaks
from stories.test_no_secret_leaks import MARKED, written

AT = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def secret(label: str = OWN, **data: str) -> SecretContent:
    values = {key.replace("__", "-"): SecretStr(value) for key, value in data.items()}
    return SecretContent("shop", "app-user", "u", "1", "Opaque", {MANAGED_LABEL: label}, {}, values)


def values(*found: SecretStr) -> set[str]:
    return {one.get_secret_value() for one in found}


@pytest.mark.parametrize("marked", MARKED)
def test_a_secret_is_found_in_every_spelling(marked: str) -> None:
    bundle = Bundle(secrets=[SecretStr(marked)])
    for form, text in written(marked).items():
        bundle.add_text(f"{form}.log", f"a line with {text} in it\nand one more")
        bundle.add_json(f"{form}.json", {"a": [text], text: 1})
    bundle.files[f"named {marked}"] = ""
    files = bundle.masked_files(AT)
    assert leaks(files | {name: name for name in files}, [marked]) == []
    assert "and one more" in files["plain.log"], "the rest is there"


def test_a_secret_within_another_leaves_nothing_of_the_longer_one() -> None:
    bundle = Bundle(secrets=[SecretStr("short1"), SecretStr("short1-and-the-rest")])
    bundle.add_text("a.log", "it was short1-and-the-rest, and short1")
    assert bundle.masked_files(AT)["a.log"] == "it was ***, and ***\n"


def test_a_very_long_secret_is_searched_for_by_its_lines() -> None:
    lines = [f"{number:04}" * 16 for number in range(200)]
    bundle = Bundle(secrets=[SecretStr("\n".join(lines))])
    bundle.add_text("a.log", f"key: {lines[7]}, and all else is shown")
    assert bundle.masked_files(AT)["a.log"] == "key: ***, and all else is shown\n"


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        PEM.replace("\n", "\n    "),
        PEM.replace("\n", "\r\n"),
        f"key: {json.dumps(PEM)}",
        f"key: {json.dumps(PEM.replace(chr(10), chr(13) + chr(10)))}",
        PEM.splitlines()[2],
    ],
    ids=["indented", "CRLF", "JSON", "JSON with CRLF", "one line"],
)
def test_a_secret_of_many_lines_is_searched_for_by_its_lines_too(text: str) -> None:
    bundle = Bundle(secrets=[SecretStr(PEM + "\n")])
    bundle.add_text("a.log", text)
    bundle.add_json("a.json", {"a": text})
    assert leaks(bundle.masked_files(AT), PEM.splitlines()[1:3]) == []


def test_a_binary_secret_is_found_in_base64() -> None:
    raw = b"\xfe\xed\x00keystore\xff\x80"
    bundle = Bundle(secrets=[SecretStr(raw.decode(errors="surrogateescape"))])
    bundle.add_text("a.log", f"it is {base64.b64encode(raw).decode()}!")
    assert bundle.masked_files(AT)["a.log"] == "it is ***!\n"


@given(st.lists(st.text("abc*=+/", min_size=4, max_size=20), max_size=4), st.text("abc*=+/\n", max_size=80))
def test_leaving_out_what_is_in_no_text_changes_nothing(secrets: list[str], text: str) -> None:
    searched = [SecretStr(each) for each in secrets]
    for whole in (text, *(f"{text}{form}{text}" for each in secrets for form in sorted(forms(each))[:5])):
        assert Masks(possible(searched, [whole])).apply(whole) == Masks(searched).apply(whole)


def test_no_file_takes_the_place_of_another() -> None:
    bundle = Bundle(secrets=[SecretStr("secret-one"), SecretStr("secret-two")])
    for name in ("a.log", "a.log", "secret-one.log", "secret-two.log"):
        bundle.add_text(f"logs/{name}", name[0])
    assert bundle.masked_files(AT).keys() == {
        "README.txt", "logs/a.log", "logs/a-2.log", "logs/***.log", "logs/***-2.log",
    }  # fmt: skip


@pytest.mark.parametrize(("most", "read"), [(100, "first secret\nlast\n"), (10, "last\n"), (3, "")])
def test_a_log_begins_with_a_whole_line(most: int, read: str, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("first secret\nlast\n")
    assert read_log(tmp_path / "a.log", most) == read


class Reader(Person):
    """Who may list the Secrets of these namespaces; None is all of them."""

    def __init__(self, *allowed: str | None) -> None:
        self.allowed, self.namespace = allowed, "shop"

    async def objects(self, group: str, version: str, plural: str, namespace: str | None, **query: str) -> list[Raw]:
        assert query == {"fieldSelector": "type!=helm.sh/release.v1"}
        if namespace not in self.allowed:
            raise MissingRight("list", plural, namespace)
        return [{"metadata": {"uid": f"{each}/own", "name": "own"}} for each in ([namespace] if namespace else "ab")]


@pytest.mark.parametrize(
    ("allowed", "namespace", "found"),
    [
        ((None, "system"), None, ["a/own", "b/own", "system/own"]),
        (("a", "system"), None, ["a/own", "system/own"]),
        (("a", "b"), None, ["a/own", "b/own"]),
        (("a",), "a", ["a/own"]),
        ((), None, []),
    ],
)
async def test_of_which_secrets_the_values_are_searched_for(
    allowed: tuple[str | None, ...], namespace: str | None, found: list[str]
) -> None:
    secrets = await gathered_secrets(Reader(*allowed), Bundle(), namespace, "system", {"a", "b"})
    assert sorted(each["metadata"]["uid"] for each in secrets) == found


def test_which_values_of_a_secret_are_secret() -> None:
    uri = "postgresql://app:p%40ss@db.example:5432/shop"
    of_user = secret(
        host="db.example", port="5432", username="app", password="p@ss", uri=uri, jdbc__url="jdbc:x", other="own"
    )
    assert values(*secrets_of(of_user)) == {"p@ss", uri, "p%40ss", "own"}
    assert values(*secrets_of(secret(GIVEN, username="hidden", next="hidden too\n"))) == {
        "hidden",
        "hidden too",
        "hidden too\n",
    }
    cloud = secret(OS_USERNAME="robot", OS_PASSWORD="pw", OS_AUTH_URL="https://robot:inside@id.example")
    assert values(*secrets_of(cloud)) == {"pw", "inside"}
    foreign = replace(secret(username="hidden", OS_USERNAME="robot"), labels={})
    assert values(*secrets_of(foreign)) == {"hidden"}


@pytest.mark.parametrize("name", ["password", "sslpassword", "PWD", "access_token", "client.secret"])
def test_a_password_among_the_parameters_of_an_address(name: str) -> None:
    address = secret(jdbc__url=f"jdbc:postgresql://db.example/shop?user=app&{name}=p%40+s&ssl=true")
    assert values(*secrets_of(address)) == {"p%40+s", "p@+s", "p@ s"}


def test_secrets_of_the_person(tmp_path: Path) -> None:
    environment = {
        "OS_PASSWORD": "mine",
        "OS_USERNAME": "me",
        "PWD": "/home/me",
        "gh_token": "its",
        "MY_SECRETS": "all",
    }
    environment |= {"DB_PWD": "db", "URL": "redis://:inside@host"}
    assert values(*secrets_of_environment(environment)) == {"mine", "its", "all", "db", "inside"}
    config = {"users": [{"user": {"token": "t0ken", "client-key-data": "a2V5"}}, {"user": None}, 7]}
    assert values(*secrets_of_kubeconfig(config)) == {"t0ken", "a2V5", "key"}
    (tmp_path / "token").write_text("in a file\n")
    env = [{"name": "NAME", "value": "of-env"}]
    execs = {"command": "login", "args": ["--id", "--secret=of-args"], "env": env, "apiVersion": "v1"}
    provider = {"name": "oidc", "config": {"refresh-token": "of-provider"}}
    user = {"tokenFile": "token", "client-key": "absent", "exec": execs, "auth-provider": provider}
    found = values(*long_enough(secrets_of_kubeconfig({"users": [{"name": "me", "user": user}]}, tmp_path)))
    assert found == {"in a file", "in a file\n", "of-env", "of-args", "oidc", "of-provider"}
    unusable: list[object] = [None, [], {"users": None}, "text"]
    for odd in unusable:
        assert not list(secrets_of_kubeconfig(odd))
    assert values(*long_enough([SecretStr("abc"), SecretStr("abcd"), SecretStr("abcd"), SecretStr("true")])) == {"abcd"}


def test_what_is_told_of_objects() -> None:
    raw: dict[str, Any] = {
        "metadata": {
            "name": "app",
            "managedFields": [1],
            "annotations": {"manageddatabases.io/paused": "true", "manageddatabases.io/planted": "x", "other": "x"},
        },
        "data": {"password": "cHc="},
    }
    annotations = bare(raw)["metadata"]["annotations"]
    assert annotations == {
        "manageddatabases.io/paused": "true",
        "manageddatabases.io/planted": LEFT_OUT,
        "other": LEFT_OUT,
    }
    assert "managedFields" not in bare(raw)["metadata"]
    told = only_names(raw)
    assert (told["keys"], "cHc=" in str(told), "x" in told["annotations"]) == (["password"], False, False)
    env = [{"name": "MANAGED_DATABASES_WORKERS", "value": "8"}, {"name": "OTHER", "value": "hidden"}]
    deployment = {"spec": {"template": {"spec": {"containers": [{"name": "operator", "env": env}]}}}}
    assert deployment_told(deployment)["containers"][0]["settings"] == {"MANAGED_DATABASES_WORKERS": "8"}
    assert deployment_told({})["containers"] == []


def test_the_archive_says_what_it_lacks() -> None:
    bundle = Bundle(notes=["you may not list secrets"])
    with tarfile.open(fileobj=io.BytesIO(packed(bundle.masked_files(AT), "support", AT))) as archive:
        opened = archive.extractfile("support/README.txt")
        assert opened is not None
        assert "Not had: you may not list secrets" in opened.read().decode()
        assert {entry.mode for entry in archive.getmembers()} == {0o600}
