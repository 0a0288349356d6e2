"""What a credentials Secret says beside its password: where it leads, for which engine, and what others have put into it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import MAIN, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.reconcile.act.held_secret import held_secret, told_by
from managed_databases.reconcile.act.secret_marks import Written
from managed_databases.reconcile.ports import Resource, SecretContent
from reconcile.act.recording import Stage
from reconcile.fake_cache import resource

THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
SPEC: Mapping[str, Any] = {
    "datastoreRef": {"name": "main"},
    "credentials": {"labels": {"team": "shop"}, "annotations": {"contact": "shop"}},
}
APP = resource("DatabaseUser", "app", spec=SPEC, id_=THERE.id, inside=MAIN)
UNBORN = replace(APP, status={})
PASSWORD = {"password": "secret-of-the-test"}
ENGINE = {"type": "postgresql", "sslmode": "verify-ca", "pooler-port": "5433"}
PLACE = {"host": "main.example", "database": "shop"}


def secret(data: Mapping[str, str], written: Written | None = None, **fields: Any) -> SecretContent:
    marks = {} if written is None else dict(written.annotation())
    annotations = {**marks, **fields.pop("annotations", {})}
    values = {key: SecretStr(value) for key, value in data.items()}
    return SecretContent("home", "app-user", "uid", "1", "Opaque", fields.pop("labels", {}), annotations, values)


def held(mine: SecretContent, its: Resource = APP) -> HeldSecret:
    stage = Stage(its, external=THERE if its is APP else None)
    credential = stage.current.kind.credential
    assert credential is not None
    return held_secret(stage.current, credential, mine)


@pytest.mark.parametrize(
    ("why", "data", "its", "told"),
    [
        ("all of it", PASSWORD | ENGINE | PLACE, APP, ENGINE | PLACE),
        ("without a password as well", ENGINE | PLACE, APP, ENGINE | PLACE),
        ("where it leads was another object's", PASSWORD | ENGINE | PLACE, UNBORN, ENGINE),
        ("what it does not have it does not tell", PASSWORD | PLACE, APP, PLACE),
        ("no other key counts", PASSWORD | {"port": "1", "username": "x"}, APP, {}),
    ],
)
def test_where_it_leads_and_for_which_engine(
    why: str, data: Mapping[str, str], its: Resource, told: Mapping[str, str]
) -> None:
    assert held(secret(data), its).told == told, why


@pytest.mark.parametrize(
    ("why", "mine", "others"),
    [
        ("nobody has put anything in", secret(PASSWORD | ENGINE | PLACE), set()),
        ("somebody has", secret(PASSWORD | {"extra": "x"}), {"extra"}),
        ("the operator had, as the annotation says", secret(PASSWORD | {"extra": "x"}, Written(frozenset({"extra"}))), set()),
        ("also while there is no password", secret({"extra": "x"}), {"extra"}),
        ("what the operator would write is the operator's", secret(PASSWORD | {"username": "somebody"}), set()),
    ],
)  # fmt: skip
def test_keys_of_others(why: str, mine: SecretContent, others: set[str]) -> None:
    assert held(mine).others == others, why


@pytest.mark.parametrize(
    ("why", "mine", "left_out"),
    [
        ("they are not there yet", secret(PASSWORD), []),
        ("they are as the spec says", secret(PASSWORD, labels={"team": "shop"}, annotations={"contact": "shop"}), []),
        ("a label of somebody else's", secret(PASSWORD, labels={"team": "blog"}), ["label team"]),
        ("an annotation of somebody else's", secret(PASSWORD, annotations={"contact": "blog"}), ["annotation contact"]),
        (
            "they are the operator's own, of before",
            secret(PASSWORD, Written(labels=frozenset({"team"})), labels={"team": "blog"}),
            [],
        ),
    ],
)
def test_labels_and_annotations_of_others(why: str, mine: SecretContent, left_out: list[str]) -> None:
    said = [each for each in held(mine).left_out if "somebody else" in each]
    assert said == [f"the {what}: somebody else has written it, and it stays" for what in left_out], why


def test_the_values_of_some_keys() -> None:
    assert told_by(secret(PASSWORD | ENGINE), "type", "host") == {"type": "postgresql"}
