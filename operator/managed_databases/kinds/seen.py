"""What one pass sees: everything that deciding and reporting may depend on, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from managed_databases.api.models import ConfigurationParameter, DatastoreType, Flavor
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.frame import CloudSpec, CloudStatus
from managed_databases.kinds.verdicts import Stall, Wait


class Refused(Exception):
    """The spec cannot be carried out as it is; carries what to show."""

    def __init__(self, verdict: Stall | Wait) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


@dataclass(frozen=True)
class Catalogue:
    """What a project offers. `known` is False until it was read once."""

    types: tuple[DatastoreType, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    parameters: Mapping[str, tuple[ConfigurationParameter, ...]] = field(default_factory=dict)
    known: bool = False

    def type_of(self, type_id: str | None) -> DatastoreType | None:
        return next((type_ for type_ in self.types if type_.id == type_id), None)


@dataclass(frozen=True)
class ProjectView:
    """A project as the kinds see it."""

    name: str
    project_id: str
    region: str
    catalogue: Catalogue = Catalogue()
    name_prefix: str = ""
    ca_certificate: str | None = None
    ports: PortNumbers = field(default_factory=PortNumbers)
    powers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Referred:
    """A resolved reference.

    `id` is None until it is known, `object` until the snapshot shows it, `problem` says why it cannot be used yet.
    `spec` and `status` are the holder's, None when nobody holds the cloud object.
    """

    label: str
    id: str | None = None
    object: Any = None
    problem: Wait | Stall | None = None
    spec: Any = None
    status: Any = None
    deleting: bool = False
    confirmed_gone: bool = False

    @property
    def usable(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class PasswordView:
    """The Secrets of a credential, and the password that was given.

    `password` is what the credentials Secret holds, None when it is missing, empty or known not to be the cloud's;
    `pending` is the password of a change under way; `given` the one from `passwordSecretRef`.
    """

    password: SecretStr | None = None
    pending: SecretStr | None = None
    given: SecretStr | None = None
    problem: Wait | Stall | None = None
    pending_sent: bool = False


@dataclass(frozen=True)
class Seen:
    """One resource, its references, its cloud object, and what the process remembers of its attempts."""

    namespace: str
    name: str
    uid: str
    generation: int
    annotations: Mapping[str, str]
    deleting: bool
    finalized: bool
    spec: Any
    status: CloudStatus
    project: ProjectView | None = None
    refs: Mapping[str, Referred] = field(default_factory=dict)
    problem: Wait | Stall | None = None
    mine: Any = None
    mine_gone: bool = False
    mine_unsure: bool = False
    namesakes: tuple[Any, ...] = ()
    held_namesakes: Mapping[str, str] = field(default_factory=dict)
    rival: str | None = None
    listed: bool = True
    settled: bool = True
    unsent: bool = False
    children: tuple[str, ...] = ()
    credential: PasswordView | None = None
    siblings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def cloud_spec(self) -> CloudSpec:
        assert isinstance(self.spec, CloudSpec)
        return self.spec
