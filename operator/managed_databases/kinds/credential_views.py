"""What a pass sees of a credential: its Secrets, and the password that was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from managed_databases.kinds.turns_view import TurnsView
from managed_databases.kinds.verdicts import Stall, Wait


@dataclass(frozen=True)
class PasswordView:
    """What is known of a credential: its Secrets, and the password that was given."""

    password: SecretStr | None = None
    """The password in the credentials Secret; None if it is missing, empty or edited by hand."""
    pending: SecretStr | None = None
    """The password in the pending Secret, of a change under way; None if there is none that can be used."""
    given: SecretStr | None = None
    """The password that `passwordSecretRef` names, or the value that the cloud tells."""
    problem: Wait | Stall | None = None
    """Why the Secrets cannot be used, None if they can be."""
    only_given_lacks: bool = False
    """Whether `problem` is of the password that `passwordSecretRef` names, and of nothing else."""
    no_change: Stall | None = None
    """Why no change of the password can begin: something else has the name of the pending Secret. None if one can."""
    given_is_set: bool = False
    """Whether the cloud has the given password, as the status proves, and the credentials Secret is missing."""
    pending_is_given: bool = False
    """Whether a person gave the pending password, with passwordSecretRef."""
    pending_sent: bool = False
    """Whether this process has sent the pending password, and the API has accepted it."""
    pending_unclear: bool = False
    """Whether it is not known if the cloud has the pending password."""
    pending_refused: bool = False
    """Whether the API has just refused the pending password because of the password itself."""
    pending_denied: bool = False
    """Whether the API has refused the pending password when it was sent last, for whatever reason: it is sent again later."""
    confirmed: bool = False
    """Whether this process has sent the password of the credentials Secret, and the API has accepted it."""
    is_unvouched: bool = False
    """Whether the credentials Secret has no check of its password: nothing tells whether somebody has edited the password."""
    is_set_back: bool = False
    """Whether the cloud got another password since the one in the credentials Secret: somebody has put an older version of the
    Secret in its place.
    """
    is_due: str | None = None
    """Why the password is to be changed: its date has come, or somebody asks for that; None if it is not."""
    may_begin: bool = False
    """Whether a change that is due may begin now: by its date, in the moment of the hour that is the resource's own."""
    outdated: bool = False
    """Whether the credentials Secret is not as it should be."""
    misleads: bool = False
    """Whether nobody can log in with what the credentials Secret holds."""
    versions: tuple[str | None, ...] = (None, None)
    """The resourceVersions of the credentials Secret and of the pending Secret as they were read; None for a missing one. Where
    two users take turns, that of the mounted Secret follows.
    """
    has_leftover: bool = False
    """Whether there is a Secret of a second user that is none any more."""
    turns: TurnsView | None = None
    """Where two users take turns, the Secret that applications mount: the credentials Secret is then the own user's."""


@dataclass(frozen=True)
class HeldSecret:
    """What the credentials Secret of a resource says beside its password."""

    told: Mapping[str, str] = field(default_factory=dict)
    """Where it leads, if it was written for this object, and how applications check the server: values by the Secret's keys."""
    others: frozenset[str] = frozenset()
    """The keys that other people have written into it."""
    left_out: tuple[str, ...] = ()
    """What of the spec is not in it, a sentence each."""


SAYS_NOTHING: Final = HeldSecret()
