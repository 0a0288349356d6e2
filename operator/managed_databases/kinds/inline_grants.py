"""Makes resources of the grants (`databases`) and access rules (`access`) that a `DatabaseUser` lists in its spec."""

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
    from managed_databases.kinds.database_user_spec import DatabaseUserSpec

INLINE = {"access": "KafkaACL", "databases": "DatabaseGrant"}
"""The fields of a user's spec whose entries become resources of another kind, and that kind."""
MAX_NAME_LENGTH = 200
"""The most characters of a resource's name: the operator adds suffixes to it for the names of Secrets."""


class InlineAccess(Spec):
    """What the user may do with one topic, with all topics of a prefix, or with all topics."""

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
        description="Which topics the entry is for. literal: the topic with the name `pattern`. prefixed: all topics whose "
        "names begin with `pattern`. all: all topics."
    )
    pattern: Annotated[str, one_word(249)] | None = Field(
        default=None, description="The name of a topic, or a prefix of names of topics."
    )
    allow_read: bool = Field(default=False, description="Whether the user may read from these topics.")
    allow_write: bool = Field(default=False, description="Whether the user may write to these topics.")


def owned_by_user(observed: "Observed[DatabaseUserSpec]") -> tuple[OwnedResource, ...]:
    """Return the grants and access rules that the user's spec lists; the name of each is made of the user and its content."""
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
    """Return one entry for each pattern, which allows what any entry with that pattern allows."""
    united: dict[tuple[str, str | None], InlineAccess] = {}
    for entry in entries:
        about = (entry.pattern_type, entry.pattern)
        before = united.get(about)
        united[about] = InlineAccess(
            pattern_type=entry.pattern_type,
            pattern=entry.pattern,
            allow_read=bool(entry.allow_read or (before and before.allow_read)),
            allow_write=bool(entry.allow_write or (before and before.allow_write)),
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
    """Return the name of an owned resource. A name that is too long is cut and gets a digest, so that no two become equal."""
    name = f"{observed.name}-{about}"
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 11].rstrip('-.')}-{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _written(model: Spec) -> dict[str, object]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
