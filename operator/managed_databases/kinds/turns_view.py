"""What a pass sees of two users who take turns: the second one's resource, and the Secret that applications mount."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from managed_databases.kinds.shared_fields import Side
from managed_databases.kinds.verdicts import Stall, Wait


@dataclass(frozen=True)
class TwinView:
    """The second user, as the status of its own resource tells."""

    name: str
    uid: str
    user: str | None = None
    """Its name in the cloud; None until it has one there."""
    requested: str | None = None
    """The change of its password that was last asked for."""
    handled: str | None = None
    """The change of its password that was made last."""
    password_check: str | None = None
    """The check of the password that the cloud has; None while that is in doubt."""
    is_ready: bool = False
    """Whether it can be used."""
    trouble: str | None = None
    """Why it is not as its spec says, with all that belongs to it; None if it is."""
    is_going: bool = False


@dataclass(frozen=True)
class TurnsView:
    """The Secret that applications mount, and what is due."""

    leads_to: Side
    """Whose login the Secret shall have now: that of the active user, or of the one that has got its new password."""
    user: str | None = None
    """That user's name in the cloud."""
    opens: bool = False
    """Whether that user's password is known for certain."""
    source: tuple[str, str] | None = None
    """The name and the resourceVersion of the Secret with that password, if it was read."""
    is_mounted: bool = False
    """Whether the Secret is as it should be."""
    version: str | None = None
    """The Secret's resourceVersion."""
    content: int = 0
    """A hash of what the Secret shall hold."""
    left_out: tuple[str, ...] = ()
    """What of the spec is not in it, a sentence each."""
    problem: Wait | Stall | None = None
    """Why the Secret cannot be written."""
    has_active: bool = False
    """Whether the Secret has the active user's login, which opens, until it gets that of the one whose turn it is."""
    has_own: bool = False
    """Whether the own user's Secret is missing, and the mounted one has that user's password, for certain."""
    is_due: str | None = None
    """Why the next turn is due; None if it is not."""
    may_begin: bool = False
    """Whether a turn that is due may begin now."""
    is_lock_due: bool = False
    """Whether the time is over for which the login before stays valid."""


@dataclass(frozen=True)
class Naming:
    """A resource that names the observed one in its spec, such as a grant for a user."""

    kind: str
    name: str
    spec: Mapping[str, object]


@dataclass(frozen=True)
class PairView:
    """What two users who take turns know of each other; nothing for a user who is alone."""

    twin: TwinView | None = None
    """For the first user the second one; None while there is none."""
    used_by: str | None = None
    """For a second user whose login is in use, or gets its turn: the first one."""
    naming: tuple[Naming, ...] = ()
    """For the first user the resources of others that name it."""
    login_as: str | None = None
    """The user whose login the Secret has that is looked at; None: the resource's own."""


ALONE: Final = PairView()
"""Of a user who takes turns with nobody."""
