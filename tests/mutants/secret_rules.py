"""What is in the credentials Secrets beside the password: whose it is, what it reveals, and whether applications go on."""

from typing import Final

from mutants.mutant import Mutant

_ENGINE = ("virtual/test_engine_not_known_yet.py",)
_FIT = ("virtual/test_secrets_that_fit.py",)
_KEYS = ("kinds/test_login_keys.py",)

SECRETS: Final = (
    Mutant(
        "no Secret of a new user is written before its type is known",
        "reconcile/decide/without_object.py",
        "(unknown := kind.credential.awaits(observed)) is not None:",
        "(unknown := None) is not None:",
        _ENGINE,
    ),
    Mutant(
        "no Secret of a user that is taken over is written before its type is known",
        "reconcile/decide/password_steps.py",
        "return (kind.credential.awaits(observed) or step) if isinstance(step, Credentials) else step",
        "return step",
        _ENGINE,
    ),
    Mutant(
        "the mounted Secret of two users is not written before its type is known",
        "reconcile/act/mounted_secret.py",
        "if unknown := credential.awaits(reading.observed):",
        "if unknown := None:",
        _ENGINE,
    ),
    Mutant(
        "a catalogue that does not list a datastore's type tells no engine",
        "kinds/database_user.py",
        "    if _engine(observed) is not None:\n        return None\n",
        "    if _engine(observed) is not None or observed.catalogue.known:\n        return None\n",
        _ENGINE,
    ),
    Mutant(
        "an engine without a name is none",
        "api/models/catalogue.py",
        'engine: Annotated[str, Field(pattern=r"\\S")]',
        "engine: str",
        _ENGINE,
    ),
    Mutant(
        "no pooler is made up while the version is not known",
        "kinds/datastore_endpoints.py",
        "return has_pooler(kind, version) if version.strip() else POOLER_KEY in before",
        "return has_pooler(kind, version)",
        _ENGINE,
    ),
    Mutant(
        "a given password is put back without a call only while the cloud takes none",
        "reconcile/decide/password_steps.py",
        "if view.given_is_set and calls_wait_for_work(kind, observed):",
        "if view.given_is_set:",
        ("virtual/test_secrets_while_at_work.py",),
    ),
    Mutant(
        "a Secret says itself which engine it is for",
        "kinds/database_user.py",
        'return engine_of_parent(observed) or ((told, "") if told in (POSTGRESQL, MYSQL, KAFKA) else None)',
        "return engine_of_parent(observed)",
        _ENGINE,
    ),
    Mutant(
        "a key that others have written into a Secret is not written over",
        "kinds/secret_data.py",
        "        elif key in self.others:\n",
        "        elif False:\n",
        _FIT,
    ),
    Mutant(
        "a key that others have written is theirs, although the operator has such a key now",
        "kinds/secret_data.py",
        "if key not in own and key not in others}",
        "if key not in own}",
        ("kinds/test_secret_data.py",),
    ),
    Mutant(
        "a key that has left the spec is taken out of the Secret, and no old password stays in it",
        "reconcile/act/desired_secret.py",
        "drops=OPTIONAL_KEYS | (before.keys - ALWAYS_OURS - {credential.key}),",
        "drops=OPTIONAL_KEYS,",
        _FIT,
    ),
    Mutant(
        "a key whose mark was lost is the operator's by its value",
        "reconcile/act/secret_marks.py",
        "if secret.data[key].get_secret_value() != wanted.get(key)",
        "if True",
        _FIT,
    ),
    Mutant(
        "the checksum of a Secret tells of every key",
        "reconcile/act/desired_secret.py",
        "current.checks.checksum(resource.uid, data)",
        "current.checks.checksum(resource.uid, {})",
        _FIT,
    ),
    Mutant(
        "a copy of other presets has none of the Secret's files",
        "kinds/secret_copies.py",
        '"template": None, "format": None}',
        '"template": None}',
        ("kinds/test_secret_copies.py",),
    ),
    Mutant(
        "an upgrade does not make a running application verify",
        "kinds/application_login.py",
        'return "verify-full" if has_ca and not _is_lenient(held) else "require"',
        'return "verify-full" if has_ca else "require"',
        _KEYS,
    ),
    Mutant(
        "a new Secret lets applications verify",
        "kinds/application_login.py",
        'return "verify-full" if has_ca and not _is_lenient(held) else "require"',
        'return "require"',
        _KEYS,
    ),
    Mutant(
        "a public address that is not told stays in the Secret",
        "kinds/datastore_endpoints.py",
        'if any("floating_ip" in node.model_fields_set for node in nodes):',
        "if True:",
        ("kinds/test_datastore_endpoints.py",),
    ),
    Mutant(
        "a Secret leads to a public address only where the spec says so",
        "kinds/datastore_endpoints.py",
        'if address == "Public" and public.read_write is not None:',
        "if public.read_write is not None:",
        ("kinds/test_datastore_endpoints.py",),
    ),
    Mutant(
        "labels of others on a Secret stay",
        "reconcile/act/secret_marks.py",
        "if name not in ours and there.get(name, value) != value)",
        "if False)",
        ("virtual/test_secrets_beside_others.py",),
    ),
    Mutant(
        "keys of others stay where the password is lost",
        "reconcile/act/held_secret.py",
        "return replace(held, others=keys_of_others(mine, ours, {}))",
        "return held",
        ("virtual/test_secrets_beside_others.py",),
    ),
    Mutant(
        "a Secret that names no database yet serves on",
        "kinds/login_keys.py",
        "(told is None and name in (*_FURTHER_WAYS, DATABASE_KEY))",
        "(told is None and name in _FURTHER_WAYS)",
        ("virtual/test_secrets_beside_others.py",),
    ),
)
