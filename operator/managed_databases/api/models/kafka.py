"""What stands in a Kafka datastore: topics and access rules."""

from managed_databases.api.models.base_models import CloudObject, RequestModel, Whole


class Topic(CloudObject):
    name: str
    datastore_id: str
    partitions: Whole | None = None


class NewTopic(RequestModel):
    """`name`: 1 to 249 of `[a-zA-Z0-9._-]`; `partitions`: 1 to 4000, the API's default is 1."""

    name: str
    datastore_id: str
    partitions: int | None = None


class TopicChange(RequestModel):
    """There can only ever be more partitions."""

    partitions: int


class ACL(CloudObject):
    """An access rule of a user. `pattern_type` is literal, prefixed or all; `pattern` means nothing with all."""

    datastore_id: str
    user_id: str
    pattern_type: str
    pattern: str | None = None
    allow_read: bool | None = None
    allow_write: bool | None = None


class NewACL(RequestModel):
    """`pattern`: at most 249 characters, left out when `pattern_type` is all. At least one `allow_` must be true."""

    datastore_id: str
    user_id: str
    pattern_type: str
    pattern: str | None = None
    allow_read: bool | None = None
    allow_write: bool | None = None


class ACLChange(RequestModel):
    """At least one must be true."""

    allow_read: bool | None = None
    allow_write: bool | None = None
