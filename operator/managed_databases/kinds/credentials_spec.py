"""`spec.credentials`: how the Secret for applications is called, and what is in it beside the login."""

from typing import Annotated, Final, Literal

from pydantic import Field

from managed_databases.kinds.application_login import TlsMode
from managed_databases.kinds.registry import GROUP
from managed_databases.kinds.schema import Rule, Spec
from managed_databases.kinds.secret_files import FileFormat
from managed_databases.kinds.secret_presets import OF_DATABASE_URL, PresetName
from managed_databases.kinds.secret_template import FILTERS, PATTERN, VARIABLES
from managed_databases.kinds.shared_fields import NamespaceName, ObjectName, SecretName

_PART: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL_NAME: Final = rf"^({_PART}(\.{_PART})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$"
MAX_LABEL_NAME: Final = 253
LABEL_VALUE: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
_KEY: Final = r"^[-._a-zA-Z0-9]+$"
COPIES_FROM: Final = f"copies-from.{GROUP}"
"""What the label of a Namespace begins with that lets in copies of another namespace's Secrets."""
ALLOWED: Final = "allowed"
"""The value of that label."""
RESERVED_LABEL: Final = "app.kubernetes.io/managed-by"

_NOT_RESERVED: Final = (
    f"self.all(name, size(name) <= {MAX_LABEL_NAME} && "
    f"name.matches('{LABEL_NAME.replace(chr(92), chr(92) * 2)}') && !name.contains('{GROUP}/') && "
    f"name != '{RESERVED_LABEL}' && !name.startsWith('kubectl.kubernetes.io/'))"
)
_NAMES_MESSAGE: Final = (
    f"names are as Kubernetes has them, and none of {GROUP}/..., {RESERVED_LABEL} and kubectl.kubernetes.io/..., which have "
    "other writers"
)
_LabelValue = Annotated[str, Field(max_length=63, json_schema_extra={"pattern": LABEL_VALUE})]
_NAMES: Final = Rule(_NOT_RESERVED, _NAMES_MESSAGE)
Labels = Annotated[dict[str, _LabelValue], Field(max_length=8), _NAMES]
Annotations = Annotated[
    dict[str, Annotated[str, Field(max_length=256)]],
    Field(max_length=8),
    _NAMES,
]
_KEYS: Final = Rule(
    f"self.all(key, size(key) <= 253 && key.matches('{_KEY}') && key != '.' && !key.startsWith('..'))",
    "a key of a Secret has letters, digits, -, _ and . only, and is neither . nor does it begin with ..",
)
Files = Annotated[dict[str, FileFormat], Field(max_length=4), _KEYS]
Templates = Annotated[
    dict[str, Annotated[str, Field(max_length=2048)]],
    Field(max_length=10),
    _KEYS,
    Rule(
        "self.all(key, self[key].matches('" + PATTERN.replace("\\", "\\\\") + "'))",
        f"a text has {{{{ variable }}}} or {{{{ variable | filter }}}} in it. Variables: {', '.join(VARIABLES)}. Filters, at "
        f"most two: {', '.join(FILTERS)}",
    ),
]
_PRESETS: Final = (
    Rule("self.all(one, self.exists_one(other, other == one))", "each preset stands here once"),
    Rule(
        f"self.filter(one, one in [{', '.join(repr(each) for each in OF_DATABASE_URL)}]).size() <= 1",
        f"{', '.join(OF_DATABASE_URL)} all write DATABASE_URL, each in its own form: name one of them",
    ),
)
Presets = Annotated[tuple[PresetName, ...], Field(max_length=13), *_PRESETS]
KeyPrefix = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]
MountPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]*$", max_length=255)]
Endpoint = Literal["ReadWrite", "ReadOnly", "Pooler"]
MAX_COPIES: Final = 6
"""With this many, `credentials` as a whole fits into what the operator reads of one field, whatever they say."""


class CopySpec(Spec):
    """A further Secret with the same login. What is absent here is as in the Secret itself."""

    name: ObjectName = Field(description="The name of the further Secret.")
    namespace: NamespaceName | None = Field(
        default=None,
        description="Its namespace, by default this resource's. Another namespace lets it in by the label "
        f"{COPIES_FROM}/<this resource's namespace>: {ALLOWED}.",
    )
    labels: Annotated[dict[str, _LabelValue], Field(max_length=4), _NAMES] | None = Field(
        default=None, description="Its further labels; absent: none."
    )
    presets: Annotated[tuple[PresetName, ...], Field(max_length=4), *_PRESETS] | None = Field(
        default=None,
        description="Its further keys, instead of the presets, templates and files of the Secret itself; an empty list: none.",
    )
    key_prefix: KeyPrefix | None = Field(default=None, description="What the keys of the presets begin with.")
    endpoint: Endpoint | None = Field(default=None, description="Where host, port and URIs lead.")
    mount_path: MountPath | None = Field(
        default=None, description="Where applications mount it: the path of the CA certificate in URIs."
    )


Copies = Annotated[
    tuple[CopySpec, ...],
    Field(max_length=MAX_COPIES),
    Rule(
        "self.all(one, self.exists_one(other, other.name == one.name && "
        "(has(other.__namespace__) ? other.__namespace__ : '') == (has(one.__namespace__) ? one.__namespace__ : '')))",
        "each copy has a name of its own in its namespace",
    ),
]


class CredentialsSpec(Spec):
    """The Secret for applications: its name and marks, how applications check the server's certificate, and further keys."""

    name: SecretName | None = Field(
        default=None, description="The Secret's name; the same as secretName, which says it in the older way."
    )
    labels: Labels | None = Field(default=None, description="Further labels of the Secret.")
    annotations: Annotations | None = Field(default=None, description="Further annotations of the Secret.")
    tls: TlsMode | None = Field(
        default=None,
        description="How applications check the server. require: the connection is encrypted, and any server is believed. "
        "verify-ca: the server's certificate is of the project's CA. verify-full: and it is for this host. Absent: verify-full "
        "if the project has a CA certificate, else require; a Secret that says require stays so.",
    )
    mount_path: MountPath | None = Field(
        default=None,
        description="Where applications mount the Secret: the path of the CA certificate in URIs is this folder and ca.crt. By "
        "default `/bindings/<metadata.name>`.",
    )
    endpoint: Endpoint | None = Field(
        default=None,
        description="Where host, port and URIs lead: to the writable node (ReadWrite, the default), to a replica (ReadOnly), or "
        "to the connection pooler of the writable node (Pooler, PostgreSQL). Without such an endpoint they lead to the writable "
        "node.",
    )
    address: Literal["Private", "Public"] | None = Field(
        default=None,
        description="By which address host, hosts and URIs lead there: by the names in the datastore's subnet (Private, the "
        "default), or by the nodes' public addresses (Public; floatingIPs of the ManagedDatastore). While the node has none, by "
        "the names.",
    )
    presets: Presets | None = Field(
        default=None,
        description="Further keys, as these frameworks read them from environment variables or files.",
    )
    key_prefix: KeyPrefix | None = Field(
        default=None,
        description="What the keys of the presets begin with, for a Pod that has several Secrets as environment variables.",
    )
    template: Templates | None = Field(
        default=None,
        description="Further keys and their texts. {{ variable }} stands for a fact of the login, {{ variable | filter }} for "
        "that fact, quoted for its reader. A key that anybody else has written into the Secret stays as it is.",
    )
    format: Files | None = Field(
        default=None,
        description="Further keys that hold the whole login as a file of this format. env: a file that a shell reads, with names "
        "such as JDBC_URL, and the keyPrefix before them.",
    )
    copies: Copies | None = Field(
        default=None,
        description="Further Secrets with the same login, each in a shape of its own, here or in namespaces that allow it.",
    )


def secret_name_of(whole: str, older: str) -> str:
    """Return the CEL expression for the Secret's name in a spec, '' if the spec names none. `whole` is the spec, `older` the path
    of the field that named the Secret before `credentials` did, such as "redis.secretName".
    """
    parts = older.split(".")
    there = " && ".join(f"has({whole}.{'.'.join(parts[: end + 1])})" for end in range(len(parts)))
    return (
        f"(has({whole}.credentials) && has({whole}.credentials.name) ? {whole}.credentials.name : "
        f"({there} ? {whole}.{older} : ''))"
    )


def one_name(older: str) -> Rule:
    """Return the rule that two fields which both name the Secret agree."""
    parts = older.split(".")
    there = " && ".join(f"has(self.{'.'.join(parts[: end + 1])})" for end in range(len(parts)))
    return Rule(
        f"!({there}) || !has(self.credentials) || !has(self.credentials.name) || self.{older} == self.credentials.name",
        f"{older} and credentials.name both name the Secret: say the same in both, or leave one out",
    )
