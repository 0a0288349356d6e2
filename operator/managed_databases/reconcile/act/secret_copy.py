"""Copies of a credentials Secret: how one should be, and whose a Secret under a copy's name is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr

from managed_databases.kinds.application_login import ENGINE_KEYS
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.credentials_spec import CopySpec
from managed_databases.kinds.datastore_endpoints import KEPT_KEYS
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.login_keys import ALWAYS_OURS, OPTIONAL_KEYS
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.secret_copies import Place, lets_in, place_of
from managed_databases.reconcile.act.desired_secret import UNREAD
from managed_databases.reconcile.act.given_passwords import usable
from managed_databases.reconcile.act.held_secret import told_by
from managed_databases.reconcile.act.secret_marks import Written, keys_of_others, marks_of_others, written_into
from managed_databases.reconcile.act.secret_ownership import SecretOwnership
from managed_databases.reconcile.annotations import CHECKSUM, COPY_OF, OWNER_UID, PASSWORD_CHECK
from managed_databases.reconcile.observe.passwords import PasswordChecks
from managed_databases.reconcile.ports import MANAGED_LABEL, NewSecret, Resource, ResourceCache, SecretContent


@dataclass(frozen=True)
class CopySource:
    """What copies are made of, beside the credentials Secret itself. `observed` is as an application sees it: with the user whose
    login that Secret has.
    """

    credential: Credential
    observed: Observed
    resource: Resource
    checks: PasswordChecks

    def shape(self, copy: CopySpec) -> int:
        """Return a hash of what the copy shall hold but for the password: with another one the copy is looked at again."""
        observed = self._shaped(copy)
        marks = (*self.credential.labels(observed.spec).items(), observed.spec.deletion_policy)
        return hash((frozenset(self.credential.content(observed, UNREAD).items()), marks))

    def wanted(
        self, copy: CopySpec, place: Place, main: SecretContent, there: SecretContent | None
    ) -> tuple[NewSecret, tuple[str, ...]] | None:
        """Return how the copy should be, and what of the spec is not in it, a sentence each. What the credentials
        Secret lacks as well is told there. `main` is that Secret, `there` the copy as it is. None while it is not known where the
        copy leads.
        """
        key = self.credential.key
        password = usable(main.data.get(key))
        observed = self._led(copy, main)
        if password is None or observed is None:
            return None
        ours = ALWAYS_OURS | OPTIONAL_KEYS | {key}
        if there is not None:
            others = keys_of_others(there, ours, self.credential.content(observed, password))
            observed = replace(observed, held_secret=replace(observed.held_secret, others=others))
        data = {name: SecretStr(value) for name, value in self.credential.content(observed, password).items()}
        before, wishes = written_into(there), self.credential.labels(observed.spec)
        foreign = marks_of_others(wishes, {} if there is None else there.labels, before.labels)
        labels = {name: value for name, value in wishes.items() if name not in foreign}
        written = Written(frozenset(data) - ours, frozenset(labels))
        known = self.credential.left_out(replace(self.observed, held_secret=observed.held_secret), password)
        left_out = (
            *(each for each in self.credential.left_out(observed, password) if each not in known),
            *(f"the label {name}: somebody else has written it, and it stays" for name in sorted(foreign)),
        )
        keeps = place.namespace != self.resource.key.namespace or observed.spec.deletion_policy != "Delete"
        new = NewSecret(
            namespace=place.namespace,
            name=place.name,
            type=f"servicebinding.io/{self.credential.type(observed)}",
            annotations={
                **written.annotation(),
                OWNER_UID: self.resource.uid,
                PASSWORD_CHECK: self.checks.make(self.resource.uid, password),
                CHECKSUM: self.checks.checksum(self.resource.uid, {**data, key: password}),
                COPY_OF: str(Place(main.namespace, main.name)),
            },
            data={**data, key: password},
            owner=None
            if keeps
            else self.resource,  # Kubernetes deletes at once what names an owner of another namespace
            drops=OPTIONAL_KEYS | (before.keys - ALWAYS_OURS - {key}),
            labels=labels,
            drops_labels=before.labels - {MANAGED_LABEL},
        )
        return new, left_out

    def _shaped(self, copy: CopySpec) -> Observed:
        return replace(self.observed, spec=self.credential.as_copy(self.observed.spec, copy))

    def _led(self, copy: CopySpec, main: SecretContent) -> Observed | None:
        """Return what was observed, with the spec of the copy. While the API tells no hosts, those of the credentials Secret
        count for a copy that leads to the same endpoint.
        """
        observed = self._shaped(copy)
        own = replace(observed, held_secret=HeldSecret(told_by(main, *ENGINE_KEYS)))
        if copy.endpoint is not None and self.credential.lacks(own) is not None:
            return None
        keys: Mapping[str, str] = told_by(main, *ENGINE_KEYS, *(() if copy.endpoint is not None else KEPT_KEYS))
        return replace(observed, held_secret=HeldSecret(keys))


def is_let_in(cache: ResourceCache, place: Place, resource: Resource) -> bool:
    """Return whether a copy for the resource may be there: in its own namespace, or in one whose labels are known to allow it."""
    labels = cache.namespace_labels(place.namespace)
    return place.namespace == resource.key.namespace or (labels is not None and lets_in(labels, resource.key.namespace))


def is_copy(ownership: SecretOwnership, resource: Resource, secret: SecretContent) -> bool:
    """Return whether the operator has made this Secret as a copy for this resource. The mark of a copy must be there: other
    Secrets of the resource are no copies, and neither is what somebody has made of one of them by hand.
    """
    return _is_of_namespace(resource, secret) and ownership.is_ours(resource, secret)


def _is_of_namespace(resource: Resource, secret: SecretContent) -> bool:
    """Return whether the Secret has the mark of a copy of a Secret in the resource's namespace."""
    main = place_of(secret.annotations.get(COPY_OF, ""))
    return main is not None and main.namespace == resource.key.namespace


def may_be_written(ownership: SecretOwnership, source: CopySource, secret: SecretContent) -> bool:
    """Return whether the Secret under a copy's name is this resource's copy, or one that an earlier resource of this namespace
    has left behind and that this one may take over by the same rules as its credentials Secret. Nobody else's Secret is written.
    """
    if is_copy(ownership, source.resource, secret):
        return True
    if not _is_of_namespace(source.resource, secret):
        return False
    return ownership.problem(source.resource, secret, source.observed, source.credential.key) is None
