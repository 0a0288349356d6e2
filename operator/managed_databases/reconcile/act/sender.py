"""Sends the calls of steps. The API's answer enters the snapshot before anything else happens."""

from dataclasses import dataclass, replace

from pydantic import SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.errors import ApiError, OutcomeUnknown
from managed_databases.api.models import CloudObject
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.reconcile.act.desired_secret import UNREAD
from managed_databases.reconcile.decide.failures import is_refusal
from managed_databases.reconcile.observe.current_pass import PassInProject
from managed_databases.reconcile.observe.ownership_index import ObjectName, OwnershipIndex


@dataclass(frozen=True)
class Sender:
    owners: OwnershipIndex

    async def send(self, current: PassInProject, call: Call[CloudObject | None]) -> CloudObject | None:
        """Send the call; return the object in the API's answer, None for an empty answer. Raises ApiError."""
        target, priority = current.observed.external, current.priority
        if passwords := _passwords(current.observed.credential):
            call = replace(call, also_masked=passwords)
        try:
            reply = await current.session.send(call, priority, current.resource.key)
            if reply.value is not None and (other := self._why_another(current, target, reply.value)):
                raise OutcomeUnknown(call.operation, other, status=reply.status, request_id=reply.request_id)
        except ApiError as error:
            if target is not None and not is_refusal(error):
                current.snapshot.outcome_unknown(target.id)
            raise
        if reply.value is not None:
            current.snapshot.answered(reply.value)
            current.session.tell(current.kind, (target, reply.value), priority)
        elif target is not None:
            current.snapshot.outcome_unknown(target.id)
        return reply.value

    def _why_another(self, current: PassInProject, target: CloudObject | None, answered: CloudObject) -> str | None:
        """Return why the answer is about another object than the call: something on the way may have mixed answers up. None if
        it is about the right one.

        The answer to a creation has an id that was not known with another key, and that no other resource holds.
        """
        if target is not None:
            return None if answered.id == target.id else f"the answer is about {answered.id}, not {target.id}"
        known, same_key = current.snapshot.get(answered.id), current.observed.same_key
        holder = self.owners.holder(ObjectName(current.project.place, current.kind.collection.name, answered.id))
        is_old = (
            holder not in (None, current.resource.key)
            or answered.id in (*(namesake.id for namesake in same_key.namesakes), *same_key.unreadable)
            or (known is not None and known.is_whole and current.kind.key_of(known) != current.key.key)
        )
        return f"the answer is about {answered.id}, which was there before" if is_old else None


def _passwords(view: PasswordView | None) -> tuple[SecretStr, ...]:
    """Return the passwords that the API may have been told of the resource, by whichever call."""
    if view is None:
        return ()
    return tuple(one for one in dict.fromkeys((view.password, view.pending, view.given)) if one not in (None, UNREAD))
