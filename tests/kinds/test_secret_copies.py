"""What a copy of a credentials Secret says, and who lets it in."""

from typing import Any

import pytest

from managed_databases.kinds.credentials_spec import COPIES_FROM, CopySpec, CredentialsSpec
from managed_databases.kinds.secret_copies import Place, as_copy, is_reserved, lets_in, place_of

OWN: dict[str, Any] = {
    "name": "shop",
    "labels": {"a": "b"},
    "annotations": {"c": "d"},
    "tls": "verify-ca",
    "presets": ("rails",),
    "keyPrefix": "SHOP_",
    "template": {"conf": "{{ host }}"},
    "format": {"login.json": "json"},
    "endpoint": "Pooler",
    "mountPath": "/etc/shop",
    "copies": ({"name": "copy"},),
}
NO_FURTHER: dict[str, Any] = {"template": None, "format": None}
NONE: dict[str, Any] = {"labels": None, "annotations": None, "copies": None}


@pytest.mark.parametrize(
    ("why", "copy", "differs"),
    [
        ("what it does not say is as in the Secret, but for the marks", {}, {}),
        ("labels of its own", {"labels": {"team": "web"}}, {"labels": {"team": "web"}}),
        ("presets stand for presets, templates and files", {"presets": ["go"]}, {"presets": ("go",), **NO_FURTHER}),
        ("no presets are presets of its own, too", {"presets": []}, {"presets": (), **NO_FURTHER}),
        ("a prefix", {"keyPrefix": "WEB_"}, {"key_prefix": "WEB_"}),
        ("an endpoint", {"endpoint": "ReadOnly"}, {"endpoint": "ReadOnly"}),
        ("a folder", {"mountPath": "/etc/web"}, {"mount_path": "/etc/web"}),
    ],
)
def test_as_copy(why: str, copy: dict[str, Any], differs: dict[str, Any]) -> None:
    own = CredentialsSpec.model_validate(OWN)
    told = as_copy(own, CopySpec.model_validate({"name": "copy"} | copy))
    assert told == own.model_copy(update=NONE | differs), why


def test_of_a_spec_without_credentials() -> None:
    assert as_copy(None, CopySpec(name="copy")) == CredentialsSpec()


@pytest.mark.parametrize(
    ("why", "labels", "lets"),
    [
        ("its own label", {f"{COPIES_FROM}/shop": "allowed"}, True),
        ("none", {}, False),
        ("the label for another namespace", {f"{COPIES_FROM}/shop-2": "allowed"}, False),
        ("for one that begins so", {f"{COPIES_FROM}/sho": "allowed"}, False),
        ("another value", {f"{COPIES_FROM}/shop": "true"}, False),
        ("another case", {f"{COPIES_FROM}/shop": "Allowed"}, False),
        ("no value", {f"{COPIES_FROM}/shop": ""}, False),
        ("another prefix", {"manageddatabases.io/shop": "allowed", "shop": "allowed"}, False),
    ],
)
def test_lets_in(why: str, labels: dict[str, str], lets: bool) -> None:
    assert lets_in(labels, "shop") is lets, why


@pytest.mark.parametrize("suffix", ["", "-pending", "-own", "-own-pending", "-twin", "-twin-pending"])
def test_reserved(suffix: str) -> None:
    assert is_reserved("app-user", f"app-user{suffix}", "-pending")
    assert not is_reserved("app-user", f"app-user-2{suffix}", "-pending")


@pytest.mark.parametrize(
    "text", ["", "/", "web/", "/far", "web", "web/../x", "web/a/b", "web/Far", "WEB/far", " web/far"]
)
def test_what_names_no_place(text: str) -> None:
    assert place_of(text) is None


def test_a_place() -> None:
    assert place_of(str(Place("web", "far"))) == Place("web", "far")
