"""Reads from a credentials Secret what is in it beside the password."""

from collections.abc import Iterator
from dataclasses import replace

from managed_databases.kinds.application_login import ENGINE_KEYS
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.datastore_endpoints import KEPT_KEYS
from managed_databases.kinds.kind import Credential
from managed_databases.kinds.login_keys import ALWAYS_OURS, OPTIONAL_KEYS
from managed_databases.reconcile.act.given_passwords import is_text
from managed_databases.reconcile.act.secret_marks import keys_of_others, marks_of_others, written_into
from managed_databases.reconcile.observe.current_pass import Pass
from managed_databases.reconcile.ports import SecretContent


def held_secret(current: Pass, credential: Credential, mine: SecretContent) -> HeldSecret:
    """Return what the resource's credentials Secret says. Where it leads counts only if it was written for this object."""
    told = told_by(mine, *ENGINE_KEYS, *(() if current.observed.status.id is None else KEPT_KEYS))
    held, password = HeldSecret(told), mine.data.get(credential.key)
    ours = ALWAYS_OURS | OPTIONAL_KEYS | {credential.key}
    if password is None or not is_text(password):
        return replace(held, others=keys_of_others(mine, ours, {}))
    wanted = credential.content(replace(current.observed, held_secret=held), password)
    held = replace(held, others=keys_of_others(mine, ours, wanted))
    left_out = credential.left_out(replace(current.observed, held_secret=held), password)
    return replace(held, left_out=(*left_out, *_marks_of_others(current, credential, mine)))


def told_by(secret: SecretContent, *keys: str) -> dict[str, str]:
    """Return the values that the Secret has under these keys."""
    return {key: secret.data[key].get_secret_value() for key in keys if key in secret.data}


def _marks_of_others(current: Pass, credential: Credential, mine: SecretContent) -> Iterator[str]:
    """Yield a sentence for each label and annotation of the spec that somebody else has written."""
    spec, written = current.observed.spec, written_into(mine)
    for what, wanted, there, ours in (
        ("label", credential.labels(spec), mine.labels, written.labels),
        ("annotation", credential.annotations(spec), mine.annotations, written.annotations),
    ):
        for name in sorted(marks_of_others(wanted, there, ours)):
            yield f"the {what} {name}: somebody else has written it, and it stays"
