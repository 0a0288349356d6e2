"""What a `DatabaseUser` asks for inline: grants and access rules, as resources of their own kinds."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.references import ObjectRef
from managed_databases.kinds.schema import Rule, Spec, rules
from managed_databases.kinds.shared_fields import one_word
from managed_databases.kinds.verdicts import OwnedResource

if TYPE_CHECKING:
    from managed_databases.kinds.database_user import DatabaseUserSpec

INLINE = {"access": "KafkaACL", "databases": "DatabaseGrant"}
"""The fields of a user's spec that ask for resources of another kind, and that kind."""
LONGEST_NAME = 200
"""Of a resource of ours (design, Kinds)."""


class InlineAccess(Spec):
    """What the user may do with the topics of one name, of one prefix, or with all."""

    model_config = rules(
        Rule(
            "(self.patternType == 'all') != has(self.pattern)", "pattern goes with literal and prefixed, not with all"
        ),
        Rule(
            "has(self.allowRead) && self.allowRead || has(self.allowWrite) && self.allowWrite",
            "allow something: at least one of allowRead and allowWrite is true",
        ),
    )

    pattern_type: Literal["literal", "prefixed", "all"] = Field(
        description="Whether `pattern` is a topic's whole name, the beginning of names, or all topics are meant."
    )
    pattern: Annotated[str, one_word(249)] | None = Field(
        default=None, description="A topic's name, or the beginning of names."
    )
    allow_read: bool = Field(default=False, description="Whether the user may read from these topics.")
    allow_write: bool = Field(default=False, description="Whether the user may write to these topics.")


def owned_by_user(observed: "Observed[DatabaseUserSpec]") -> tuple[OwnedResource, ...]:
    """Return the grants and access rules that the user's spec lists, each named for what it is about."""
    common: dict[str, object] = {
        "datastoreRef": _written(observed.spec.datastore_ref),
        "userRef": {"name": observed.name},
        "adoption": observed.spec.adoption,
        "deletionPolicy": observed.spec.deletion_policy,
        "deletionProtection": observed.spec.deletion_protection,  # None: as the datastore has it
    }
    if observed.spec.project_ref is not None:
        common["projectRef"] = _written(observed.spec.project_ref)
    grants = (_grant(observed, database, common) for database in dict.fromkeys(observed.spec.databases or ()))
    rules_ = (_access(observed, access, common) for access in _united(observed.spec.access or ()))
    return (*grants, *rules_)


def _united(entries: Iterable[InlineAccess]) -> Iterable[InlineAccess]:
    """One entry for each pattern: what one of them allows is allowed."""
    united: dict[tuple[str, str | None], InlineAccess] = {}
    for entry in entries:
        about = (entry.pattern_type, entry.pattern)
        before = united.get(about)
        united[about] = entry.model_copy(
            update={
                "allow_read": bool(entry.allow_read or (before and before.allow_read)),
                "allow_write": bool(entry.allow_write or (before and before.allow_write)),
            }
        )
    return united.values()


def _grant(observed: Observed, database: ObjectRef, common: Mapping[str, object]) -> OwnedResource:
    spec = {**common, "databaseRef": _written(database)}
    about = database.name or database.id or ""
    if "-" in observed.name + about:  # app and main-ro, app-main and ro
        about = f"{about}-{_digest(f'{observed.name} {about}')}"
    return OwnedResource("DatabaseGrant", _name(observed, about), spec)


def _access(observed: Observed, access: InlineAccess, common: Mapping[str, object]) -> OwnedResource:
    about = f"{access.pattern_type} {access.pattern or ''}"
    return OwnedResource("KafkaACL", _name(observed, _digest(about)), {**common, **_written(access)})


def _name(observed: Observed, about: str) -> str:
    """Two names that would be cut to the same get a digest of the whole."""
    name = f"{observed.name}-{about}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11].rstrip('-.')}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _written(model: Spec) -> dict[str, object]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
