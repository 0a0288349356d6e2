"""`KafkaACL`: what a user of a Kafka datastore may do with which topics."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from managed_databases.api.collections import ACLS
from managed_databases.api.models import ACL, ACLChange, NewACL
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import KAFKA, require_family
from managed_databases.kinds.kind import Conditions, NameOrId, Reference
from managed_databases.kinds.not_told import ToldField, not_told
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus
from managed_databases.kinds.references import (
    DATASTORE,
    PROJECT_ONLY_WITH_ID,
    DatastoreRef,
    ObjectRef,
    datastore_of,
    id_of,
    require_same_datastore,
    require_unmoved,
    stated,
)
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.shared_fields import one_word
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall

ALL = "all"


class KafkaACLSpec(ProtectedSpec):
    """What a user may do with one topic, with all topics of a prefix, or with all topics. Everything else is forbidden."""

    model_config = rules(
        unchangeable("projectRef", "an access rule cannot move to another project"),
        PROJECT_ONLY_WITH_ID,
        Rule(
            "(self.patternType == 'all') != has(self.pattern)", "pattern goes with literal and prefixed, not with all"
        ),
        unchangeable("pattern", "make another KafkaACL for another pattern"),
        Rule("self.allowRead || self.allowWrite", "allow something: at least one of allowRead and allowWrite is true"),
    )

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "an access rule cannot move to another datastore")]
    user_ref: Annotated[ObjectRef, Rule(IMMUTABLE, "an access rule is for one user: make another one")]
    pattern_type: Annotated[
        Literal["literal", "prefixed", "all"],
        Field(
            description="Which topics the rule is for. literal: the topic with the name `pattern`. prefixed: all topics whose "
            "names begin with `pattern`. all: all topics."
        ),
        Rule(IMMUTABLE, "make another KafkaACL for another patternType"),
    ]
    pattern: Annotated[str, one_word(249)] | None = Field(
        default=None, description="The name of a topic, or a prefix of names of topics."
    )
    allow_read: bool = Field(default=False, description="Whether the user may read from these topics.")
    allow_write: bool = Field(default=False, description="Whether the user may write to these topics.")


class KafkaACLStatus(ProtectedStatus):
    """The status of a `KafkaACL`: no fields of its own."""


def _user_of(spec: KafkaACLSpec) -> NameOrId | None:
    return stated(spec.user_ref)


USER = Reference("userRef", "DatabaseUser", _user_of)
ObservedACL = Observed[KafkaACLSpec, ACL, KafkaACLStatus]
TOLD_AS: tuple[ToldField[KafkaACLSpec, ACL], ...] = (
    ToldField("allowRead", lambda spec: spec.allow_read, lambda told: told.allow_read),
    ToldField("allowWrite", lambda spec: spec.allow_write, lambda told: told.allow_write),
)


class KafkaACLKind(KindInDatastore[KafkaACLSpec, ACL, KafkaACLStatus]):
    def key(self, observed: ObservedACL) -> tuple[str, ...]:
        return _key(
            datastore_of(observed).id or "", id_of(observed, USER), observed.spec.pattern_type, observed.spec.pattern
        )

    def key_of(self, acl: ACL, /) -> tuple[str, ...]:
        return _key(acl.datastore_id, acl.user_id, acl.pattern_type, acl.pattern)

    def body(self, observed: ObservedACL, password: SecretStr | None) -> NewACL:
        """Return the body of the POST.

        Raises SpecRefused if the engine has no access rules, or if a guest may not have this one.
        """
        require_family(observed, "an access rule is", KAFKA)
        require_same_datastore(observed, USER)
        require_own_topics(observed)
        spec = observed.spec
        fields = {
            "datastore_id": datastore_of(observed).id or "",
            "user_id": id_of(observed, USER),
            "pattern_type": spec.pattern_type,
            "allow_read": spec.allow_read,
            "allow_write": spec.allow_write,
        }
        return NewACL.model_validate(fields if spec.pattern is None else fields | {"pattern": spec.pattern})

    def expected(self, observed: ObservedACL) -> Mapping[str, str | None]:
        return _identifying(self.key(observed))

    def expected_of(self, acl: ACL, /) -> Mapping[str, str | None]:
        return _identifying(self.key_of(acl))

    def changes(self, observed: ObservedACL) -> Iterator[Change]:
        """Yield one change with both rights, if one differs. Taking a right away interrupts those who use it."""
        spec, acl = observed.spec, observed.existing
        require_unmoved(observed, USER, acl.user_id)
        require_own_topics(observed)
        wanted = {"reading": spec.allow_read, "writing": spec.allow_write}
        actual = {"reading": acl.allow_read, "writing": acl.allow_write}
        differing = [right for right in wanted if actual[right] is not None and actual[right] != wanted[right]]
        if not differing:
            return
        told = ", ".join(f"{right} is {'allowed' if wanted[right] else 'forbidden'}" for right in differing)
        risk = Risk.ONLINE if all(wanted[right] for right in differing) else Risk.RESTART
        call = ACLS.update(acl.id, ACLChange(allow_read=spec.allow_read, allow_write=spec.allow_write))
        yield Change(Reason.DRIFT, told, call, risk)

    def conditions(self, observed: ObservedACL) -> Conditions:
        return not_told(observed, TOLD_AS)


def _key(datastore_id: str, user_id: str, pattern_type: str, pattern: str | None) -> tuple[str, ...]:
    """Return the key of an access rule; with the type `all` the pattern is "", whatever the API shows."""
    return (datastore_id, user_id, pattern_type, "" if pattern_type == ALL else pattern or "")


def _identifying(key: tuple[str, ...]) -> Mapping[str, str | None]:
    return dict(zip(("datastore_id", "user_id", "pattern_type", "pattern"), key, strict=True))


def require_own_topics(observed: ObservedACL) -> None:
    """Raise SpecRefused if a guest asks for topics without the prefix that the datastore's owner gave to the guest's namespace.

    A topic of the guest's own is not enough: after its deletion somebody else may make a topic of that name, and the guest
    could read it.
    """
    spec = observed.spec
    rights = datastore_of(observed).guest
    if rights is None:
        return
    prefix = rights.topic_prefix
    if prefix and spec.pattern_type != ALL and (spec.pattern or "").startswith(prefix):
        return
    owner = datastore_of(observed).label
    if prefix is None:
        why = f"{owner} gives {observed.namespace} no topicPrefix in spec.guestRights, and access rules need one"
    else:
        why = f"{owner} allows {observed.namespace} access to topics whose names begin with {prefix}, by literal or prefixed"
    raise SpecRefused(Stall(Reason.FORBIDDEN, why))


KIND = KafkaACLKind(
    name="KafkaACL",
    plural="kafkaacls",
    short_names=("kacl",),
    spec=KafkaACLSpec,
    status=KafkaACLStatus,
    columns=columns(
        Column("User", ".spec.userRef.name", wide=True),
        Column("Type", ".spec.patternType", wide=True),
        Column("Pattern", ".spec.pattern", wide=True),
        Column("Read", ".spec.allowRead", "boolean", wide=True),
        Column("Write", ".spec.allowWrite", "boolean", wide=True),
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
    ),
    collection=ACLS,
    references=(DATASTORE, USER),
    holds_data=False,
    same_key="for this user and pattern",
)
