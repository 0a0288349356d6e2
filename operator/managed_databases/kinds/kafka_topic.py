"""`KafkaTopic`: a topic of a Kafka datastore."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, SecretStr
from typing_extensions import override

from managed_databases.api.collections import TOPICS
from managed_databases.api.models import NewTopic, Topic, TopicChange
from managed_databases.kinds.columns import columns
from managed_databases.kinds.engines import KAFKA, require_family
from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.names import effective_name, name_rule, name_stays
from managed_databases.kinds.not_told import ToldField, not_told
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.protection import KindInDatastore, ProtectedSpec, ProtectedStatus, shown_protection
from managed_databases.kinds.references import PROJECT_ONLY_WITH_ID, DatastoreRef, datastore_of
from managed_databases.kinds.schema import IMMUTABLE, Column, Rule, rules, unchangeable
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall


class KafkaTopicSpec(ProtectedSpec):
    """A topic of a Kafka datastore. Deleting the topic deletes its data."""

    model_config = rules(unchangeable("projectRef", "a topic cannot move to another project"), PROJECT_ONLY_WITH_ID)

    datastore_ref: Annotated[DatastoreRef, Rule(IMMUTABLE, "a topic cannot move to another datastore")]
    name: Annotated[str, Field(pattern="^[a-zA-Z0-9._-]+$", min_length=1, max_length=249)] | None = Field(
        default=None, description="The topic's name in the datastore; by default metadata.name. The name never changes."
    )
    partitions: (
        Annotated[
            int, Field(ge=1, le=4000), Rule("self >= oldSelf", "Kafka cannot merge partitions: there can only be more")
        ]
        | None
    ) = Field(
        default=None,
        description="Partitions can only be added. Absent: a new topic gets 1 partition, and later the number is not managed.",
    )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name


class KafkaTopicStatus(ProtectedStatus):
    partitions: int | None = Field(default=None, description="How many partitions the topic has.")


ObservedTopic = Observed[KafkaTopicSpec, Topic, KafkaTopicStatus]
TOLD_AS: tuple[ToldField[KafkaTopicSpec, Topic], ...] = (
    ToldField("partitions", lambda spec: spec.partitions, lambda told: told.partitions),
)


class KafkaTopicKind(KindInDatastore[KafkaTopicSpec, Topic, KafkaTopicStatus]):
    def key(self, observed: ObservedTopic) -> tuple[str, ...]:
        return (datastore_of(observed).id or "", effective_name(observed))

    def key_of(self, topic: Topic, /) -> tuple[str, ...]:
        return (topic.datastore_id, topic.name)

    def body(self, observed: ObservedTopic, password: SecretStr | None) -> NewTopic:
        """Return the body of the POST. Raises SpecRefused if the engine has no topics, or if a guest's topic lacks the guest's
        prefix.
        """
        require_family(observed, "a topic is", KAFKA)
        rights = datastore_of(observed).guest
        if rights is not None and rights.topic_prefix and not effective_name(observed).startswith(rights.topic_prefix):
            raise SpecRefused(
                Stall(
                    Reason.FORBIDDEN,
                    f"{datastore_of(observed).label} takes topics of {observed.namespace} whose names begin with "
                    f"{rights.topic_prefix} only: give it such a name",
                )
            )
        name, datastore_id = effective_name(observed), datastore_of(observed).id or ""
        if observed.spec.partitions is None:
            return NewTopic(name=name, datastore_id=datastore_id)
        return NewTopic(name=name, datastore_id=datastore_id, partitions=observed.spec.partitions)

    def expected(self, observed: ObservedTopic) -> Mapping[str, str | None]:
        return {"name": effective_name(observed), "datastore_id": datastore_of(observed).id or ""}

    def expected_of(self, topic: Topic, /) -> Mapping[str, str | None]:
        return {"name": topic.name, "datastore_id": topic.datastore_id}

    def changes(self, observed: ObservedTopic) -> Iterator[Change]:
        """Yield a change that adds partitions.

        Raises SpecRefused (NotReversible) if the spec asks for fewer than the topic has.
        """
        topic, wanted = observed.existing, observed.spec.partitions
        if wanted is None or topic.partitions is None or wanted == topic.partitions:
            return
        if wanted < topic.partitions:
            raise SpecRefused(
                Stall(
                    Reason.NOT_REVERSIBLE,
                    f"Kafka cannot merge partitions: there are {topic.partitions}, the spec says {wanted}; say "
                    f"{topic.partitions} or more",
                )
            )
        call = TOPICS.update(topic.id, TopicChange(partitions=wanted))
        yield Change(Reason.DRIFT, f"{topic.partitions} partitions become {wanted}", call, Risk.ONLINE)

    def report(self, observed: ObservedTopic) -> KafkaTopicStatus:
        partitions = None if observed.external is None else observed.external.partitions
        return KafkaTopicStatus(protected=shown_protection(observed), partitions=partitions)

    def conditions(self, observed: ObservedTopic) -> Conditions:
        return not_told(observed, TOLD_AS)


KIND = KafkaTopicKind(
    name="KafkaTopic",
    plural="kafkatopics",
    short_names=("ktopic",),
    spec=KafkaTopicSpec,
    status=KafkaTopicStatus,
    columns=columns(
        Column("Datastore", ".spec.datastoreRef.name", wide=True),
        Column("Partitions", ".status.partitions", "integer"),
    ),
    rules=(
        name_rule(
            "^[a-zA-Z0-9._-]{1,249}$",
            "the topic's name (spec.name, or else metadata.name) has 1 to 249 letters, digits, ., _ and -",
        ),
        name_stays("Kafka cannot rename a topic: make another one"),
    ),
    collection=TOPICS,
    holds_data=True,
)
