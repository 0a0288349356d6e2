"""What the process remembers of one resource's password between two passes. All of this may be lost at any instant."""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import SecretStr

from managed_databases.kinds.credential_views import SAYS_NOTHING, HeldSecret


@lru_cache(maxsize=1_000)
def _shared(told: tuple[tuple[str, str], ...], others: frozenset[str], left_out: tuple[str, ...]) -> HeldSecret:
    """Return one value for equal ones: the Secrets of most users of a datastore say the same."""
    return HeldSecret(dict(told), others, left_out)


@dataclass(slots=True)
class PasswordMemory:
    """What this process knows of the pending password, and of the two Secrets of a credential."""

    fine: tuple[object, ...] | None = None
    """The version of the credentials Secret that was last found right, and what it was compared with."""
    held: HeldSecret = SAYS_NOTHING
    """What the Secret said beside its password when it was found right."""
    mounted: tuple[object, ...] | None = None
    """Where two users take turns: what the mounted Secret was compared with when it was last found right."""
    mounted_held: HeldSecret = SAYS_NOTHING
    """What it said beside the login then."""
    is_name_taken: bool = False
    """Whether a Secret of this name exists although the watch of the operator's own Secrets does not show one."""
    repairs: tuple[tuple[float, int], ...] = ()
    """The last corrections of the Secret: the moment, and the hash of the content that was written."""
    may_have_sent: bool = False
    """Whether the cloud may have a pending password that this process has sent and that is not in the credentials Secret yet."""
    rotation_began: str | None = None
    """The date for which a change of the password may begin, once its moment was there."""
    _confirmed: SecretStr | None = None
    """The password of the credentials Secret that this process has sent once more, and that the API has accepted."""
    _sent: SecretStr | None = None
    _untried: SecretStr | None = None
    """A pending password that the cloud does not have, for certain."""
    _refused: SecretStr | None = None
    """A pending password that the API has refused because of the password itself."""
    _denied: SecretStr | None = None
    """A pending password that the API has refused when it was sent last, for whatever reason."""

    def name_is_taken(self) -> None:
        """Note that the Secret could not be made: the next pass reads what is there, whosever it is."""
        self.is_name_taken = True

    def was_found_right(self, ground: tuple[object, ...], held: HeldSecret) -> None:
        """`ground` is the version of the credentials Secret, and what it was compared with; `held` is what it says."""
        self.fine, self.held = ground, _shared(tuple(held.told.items()), held.others, held.left_out)

    def is_to_be_read(self) -> None:
        """Forget that the credentials Secret was found right."""
        self.fine = None

    def mounted_was_found_right(self, ground: tuple[object, ...], held: HeldSecret) -> None:
        self.mounted, self.mounted_held = ground, held

    def mounted_is_to_be_read(self) -> None:
        self.mounted = None

    def begins_rotation(self, date: str) -> None:
        """Note that the change of this date may begin: what holds it up from now on does not put it off by an hour."""
        self.rotation_began = date

    def was_put_right(self, content: int, now: float) -> None:
        """Note that the Secret was corrected; `content` is the hash of what was written."""
        self.repairs += ((now, content),)

    def repairs_since(self, since: float, content: int) -> int:
        """Return how often the Secret was put right with this content; what is older than `since` is forgotten."""
        self.repairs = tuple(repair for repair in self.repairs if repair[0] >= since)
        return sum(repair[1] == content for repair in self.repairs)

    def was_confirmed(self, password: SecretStr | None) -> None:
        """Note that this process has sent the password of the credentials Secret, and that the API has accepted it."""
        self._confirmed = password

    def is_confirmed(self, password: SecretStr | None) -> bool:
        """Return whether this password was confirmed, and counts as such."""
        return password is not None and self._confirmed == password

    def confirmation_counts_no_more(self) -> None:
        self._confirmed = None

    def is_prepared(self, pending: SecretStr) -> None:
        """Note that the cloud surely does not have the pending password: this process has made it, and nobody has sent it; or the
        status proves that.
        """
        self._untried = pending

    def is_sending(self, pending: SecretStr | None) -> bool:
        """Note that the cloud may have this password from now on; return whether the cloud surely did not have it before.

        Another password that was confirmed counts as such no more.
        """
        self._confirmed = self._denied = None
        was_untried, self._untried = self._untried == pending, None
        self.may_have_sent = True
        return was_untried

    def was_not_taken(self, pending: SecretStr | None) -> None:
        """Note that the cloud does not have this password, as a refusal or another password that was accepted has proven."""
        self._untried = pending
        self.may_have_sent = False

    def was_refused(self, pending: SecretStr | None) -> None:
        self._refused = pending

    def was_denied(self, pending: SecretStr | None) -> None:
        self._denied = pending

    def has_denied(self, pending: SecretStr | None) -> bool:
        return pending is not None and self._denied == pending

    def was_sent(self, pending: SecretStr | None) -> None:
        self._sent = pending

    def work_has_failed(self) -> None:
        """Note that the cloud has accepted a pending password and then failed at its work: it may have either password."""
        self._sent = None

    def has_sent(self, pending: SecretStr | None) -> bool:
        return pending is not None and self._sent == pending

    def is_unclear(self, pending: SecretStr | None) -> bool:
        """Return whether the cloud may have this password or not: another process may have sent it, or a call of this process
        that got no clear answer.
        """
        return pending not in (None, self._sent, self._untried)

    def has_refused(self, pending: SecretStr | None) -> bool:
        return pending is not None and self._refused == pending

    def forget_pending(self) -> None:
        self._confirmed = None
        self._sent = self._untried = self._refused = self._denied = None
        self.may_have_sent = False
