"""Makes the whole data of a credentials Secret: the login, and the further keys that the spec asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from managed_databases.kinds.application_login import CA_FILE, ApplicationLogin, tls_mode
from managed_databases.kinds.credentials_spec import CredentialsSpec
from managed_databases.kinds.datastore_endpoints import Endpoints, chosen, is_public
from managed_databases.kinds.kind import Conditions
from managed_databases.kinds.login_keys import ALWAYS_OURS, OPTIONAL_KEYS, login_keys
from managed_databases.kinds.observed import Observed
from managed_databases.kinds.secret_files import file_of
from managed_databases.kinds.secret_presets import PresetRefused, preset_keys
from managed_databases.kinds.secret_template import TemplateRefused, filled
from managed_databases.kinds.verdicts import Reason

PASSWORD: Final = "password"
MAX_FURTHER: Final = 256 * 1024
"""The most bytes of all further keys together: a Secret takes a megabyte."""


@dataclass(frozen=True)
class SecretData:
    """The data without the password, and what of the spec is not in it, a sentence each. The sentences tell no values."""

    data: Mapping[str, str]
    left_out: tuple[str, ...] = ()


@dataclass
class _Further:
    """Collects the keys that the spec asks for. `others` are the keys of other people in the Secret."""

    others: frozenset[str]
    data: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    room: int = MAX_FURTHER

    def add(self, key: str, value: str, asked_by: str) -> None:
        if key in ALWAYS_OURS | OPTIONAL_KEYS or key == PASSWORD:
            self.left_out.append(f"{asked_by}: the key {key} is one of the login")
        elif key in self.others:
            self.left_out.append(f"{asked_by}: somebody else has written the key {key} into the Secret, and it stays")
        elif self.data.get(key, value) != value:
            self.left_out.append(f"{asked_by}: the key {key} is written by something else in the spec already")
        elif (size := len(value.encode(errors="surrogateescape"))) > self.room:
            self.left_out.append(f"{asked_by}: the further keys have more than {MAX_FURTHER} bytes")
        else:
            self.room -= size
            self.data[key] = value


def secret_data(login: ApplicationLogin, spec: CredentialsSpec | None, others: frozenset[str]) -> SecretData:
    """Return the data of the Secret, without the keys in `others` that belong to other people."""
    keys = login_keys(login)
    own = {key: value for key, value in keys.items() if key in ALWAYS_OURS | OPTIONAL_KEYS}
    repeated = {key: value for key, value in keys.items() if key not in own and key not in others}
    if spec is None:
        return SecretData(own | repeated)
    further = _Further(others)
    for key, value, asked_by in _asked(login, spec, further):
        further.add(key, value, asked_by)
    # A key of the spec goes before one that only repeats the login under another name.
    return SecretData({**repeated, **further.data, **own}, tuple(dict.fromkeys(further.left_out)))


def _asked(login: ApplicationLogin, spec: CredentialsSpec, further: _Further) -> Iterator[tuple[str, str, str]]:
    for name in spec.presets or ():
        try:
            keys = preset_keys(name, login)
        except PresetRefused as refused:
            further.left_out.append(f"the preset {name} {refused}")
            continue
        for key, value in keys.items():
            yield f"{spec.key_prefix or ''}{key}", value, f"the preset {name}"
    for key, text in (spec.template or {}).items():
        try:
            value = filled(text, login)
        except TemplateRefused as refused:
            further.left_out.append(f"the template of {key} {refused}")
            continue
        yield key, value, f"the template of {key}"
    for key, format_ in (spec.format or {}).items():
        yield key, file_of(format_, login, spec.key_prefix or ""), f"the file {key}"
    if spec.address == "Public" and not is_public(login.where):
        further.left_out.append(
            "the address Public: the node has no public address (floatingIPs of the ManagedDatastore), and the private one "
            "stands in for it"
        )
    if spec.endpoint == "ReadOnly" and login.where.read_only is None:
        lacks = "no replica has a public address" if is_public(login.where) else "the datastore has no replica"
        further.left_out.append(f"the endpoint ReadOnly: {lacks}, and the writable node stands in for it")
    if spec.endpoint == "Pooler" and login.where.pooler_port is None:
        further.left_out.append("the endpoint Pooler: the engine has no pooler, and the writable node stands in for it")


def login_of(
    observed: Observed,
    spec: CredentialsSpec | None,
    where: Endpoints,
    kind: str,
    username: str,
    password: SecretStr,
    *,
    database: str | None = None,
) -> ApplicationLogin:
    """Return the login of a user or of a Redis, as `spec.credentials` wants it shown."""
    certificate = observed.project.ca_certificate if observed.project is not None else None
    told = spec or CredentialsSpec()
    folder = (told.mount_path or f"/bindings/{observed.name}").rstrip("/")
    return ApplicationLogin(
        kind=kind,
        where=chosen(where, told.endpoint, told.address),
        username=username,
        password=password.get_secret_value(),
        database=database,
        tls=tls_mode(told.tls, observed.held_secret.told, has_ca=certificate is not None),
        ca_path=None if certificate is None else f"{folder}/{CA_FILE}",
        ca_certificate=certificate,
    )


def marks_of(spec: CredentialsSpec | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the labels and the annotations that the Secret shall have."""
    return (spec.labels or {}, spec.annotations or {}) if spec is not None else ({}, {})


def incomplete(left_out: tuple[str, ...]) -> Conditions:
    """Return the condition `CredentialsIncomplete`, or none. It holds up nothing: the login is in the Secret all the same."""
    return {"CredentialsIncomplete": (True, Reason.CREDENTIALS_INCOMPLETE, "; ".join(left_out))} if left_out else {}
