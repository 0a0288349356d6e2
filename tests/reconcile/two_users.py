"""What a pass sees of two users who take turns: all is well with them, but for what a test says."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from kinds.builders import MAIN, seen_of, uuid
from managed_databases.api.models import User
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.kind import any_kind
from managed_databases.kinds.observed import Observed, Presence
from managed_databases.kinds.shared_fields import Rotated
from managed_databases.kinds.turns_view import PairView, TurnsView, TwinView

TWO: Mapping[str, Any] = {"rotation": {"strategy": "TwoUsers"}}
THERE = User(id=uuid(60), name="app", datastore_id=MAIN, status="ACTIVE")
OWN_PASSWORD = SecretStr("the own user's password")


def paired(
    told: Mapping[str, Any] | None = None,
    turns: Mapping[str, Any] | None = None,
    twin: Mapping[str, Any] | None = None,
    *,
    spec: Mapping[str, Any] = TWO,
    external: User | None = THERE,
    holder: str | None = None,
) -> Observed:
    """`told` is what the status says of the turns, `turns` what is known of the mounted Secret, `twin` of the second user."""
    kind = any_kind(KIND)
    rotation = Rotated.model_validate({"active": "Own", **(told or {})})
    usual: dict[str, Any] = {"leads_to": rotation.active, "opens": True, "is_mounted": True}
    seen = seen_of(kind, {"datastoreRef": {"name": "main"}, **spec}, external=external)
    return replace(
        seen,
        namespace="home",
        name="app",
        status=seen.status.model_copy(update={"id": THERE.id, "rotation": rotation}),
        pair=PairView(TwinView(**{"name": "app-twin", "uid": "u", "is_ready": True, **(twin or {})})),
        credential=PasswordView(password=OWN_PASSWORD, turns=TurnsView(**usual | dict(turns or {}))),
        presence=Presence(holder=holder),
    )
