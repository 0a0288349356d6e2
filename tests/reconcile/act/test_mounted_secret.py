"""Which Secret counts as that of the second user, with the password that the cloud has."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from managed_databases.kinds.turns_view import PairView, TwinView
from managed_databases.reconcile.act.mounted_secret import _of_twin
from managed_databases.reconcile.annotations import OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import SecretContent

NEW, OLD = SecretStr("the new password"), SecretStr("the old password")
CHECKS = PasswordChecks(Seals(OwnershipKey(SecretStr("ab" * 32))))
TWIN = TwinView("app-twin", "twin", password_check=CHECKS.make("twin", NEW))


def secret(password: SecretStr, check: str, owner: str = "twin") -> SecretContent:
    marks = {OWNER_UID: owner, PASSWORD_CHECK: check}
    return SecretContent("shop", "app-user-twin", "1", "7", "Opaque", {}, marks, {"password": password})


def password_of(twin: TwinView | None, there: SecretContent) -> SecretStr | None:
    current: Any = SimpleNamespace(observed=SimpleNamespace(pair=PairView(twin)), checks=CHECKS)
    return _of_twin(cast(Pass, current), there, "password")


@pytest.mark.parametrize(
    ("why", "twin", "there", "counts"),
    [
        ("it is right", TWIN, secret(NEW, CHECKS.make("twin", NEW)), True),
        ("somebody has edited it", TWIN, secret(OLD, CHECKS.make("twin", NEW)), False),
        ("it was set back, or the cloud has another one by now", TWIN, secret(OLD, CHECKS.make("twin", OLD)), False),
        ("it is another resource's", TWIN, secret(NEW, CHECKS.make("twin", NEW), "other"), False),
        ("the password is in doubt", TwinView("app-twin", "twin"), secret(NEW, CHECKS.make("twin", NEW)), False),
        ("there is no second user", None, secret(NEW, CHECKS.make("twin", NEW)), False),
    ],
)
def test_which_password_counts(why: str, twin: TwinView | None, there: SecretContent, counts: bool) -> None:
    assert password_of(twin, there) == (NEW if counts else None), why
