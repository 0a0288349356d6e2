"""The commands for people: they change nothing, and let no secret out."""

from typing import Final

from mutants.mutant import Mutant

_SURVEY = ("command_line/test_survey.py",)
_BUNDLE = ("command_line/test_bundle.py",)
_PLAN = ("command_line/test_planning.py",)
_IMPORT = ("command_line/test_importing.py",)
_CONNECT = ("command_line/test_client_sessions.py",)

COMMANDS: Final = (
    Mutant(
        "a plan sends no call that changes the cloud",
        "command_line/survey.py",
        "    if call.mutates:\n        raise AssertionError",
        "    if False:\n        raise AssertionError",
        _SURVEY,
    ),
    Mutant(
        "a plan writes nothing to Kubernetes",
        "command_line/survey.py",
        '        raise KubeRefused("a write, of which this command makes none")',
        "        return",
        _SURVEY,
    ),
    Mutant(
        "a person's own credentials do not go to the addresses of a DatabaseProject",
        "command_line/project_choice.py",
        'if key not in ("identityURL", "endpoint")',
        "if True",
        _SURVEY,
    ),
    Mutant(
        "a bundle has no secret in what its files say",
        "command_line/bundle.py",
        "masks.apply(text) for name, text",
        "text for name, text",
        _BUNDLE,
    ),
    Mutant(
        "a bundle has no secret in the names of its files",
        "command_line/bundle.py",
        "{masks.apply(name): ",
        "{name: ",
        _BUNDLE,
    ),
    Mutant(
        "a very long secret is masked in a bundle",
        "command_line/bundle.py",
        "for one in secrets for line in _lines(one)]",
        "for one in secrets if False for line in _lines(one)]",
        _BUNDLE,
    ),
    Mutant(
        "all that is in a Secret with given passwords is secret",
        "command_line/bundle_secrets.py",
        "if is_given or key not in PUBLIC_KEYS:",
        "if key not in PUBLIC_KEYS:",
        _BUNDLE,
    ),
    Mutant(
        "a password in an address is secret",
        "command_line/bundle_secrets.py",
        "        yield from _of_address(text)\n",
        "",
        _BUNDLE,
    ),
    Mutant(
        "annotations of others show no value in a bundle",
        "command_line/bundle.py",
        "    return annotation in _SHOWN and ",
        "    return ",
        _BUNDLE,
    ),
    Mutant(
        "a plan tells every change, not the first one only",
        "command_line/planning.py",
        "        done.append(verdict)\n        verdict = decide(kind, observed, rests)\n",
        "        return\n",
        _PLAN,
    ),
    Mutant(
        "a plan tells changes that wait for an approval",
        "command_line/planning.py",
        "    if found.unapproved:\n",
        "    if False:\n",
        _PLAN,
    ),
    Mutant(
        "the deletion of what holds data loses data",
        "command_line/planning.py",
        "risk = Risk.DESTRUCTIVE if kind.holds_data else Risk.ONLINE",
        "risk = Risk.ONLINE",
        _PLAN,
    ),
    Mutant(
        "what is imported is never created",
        "command_line/importing.py",
        '{"adoption": "Required", ',
        '{"adoption": "IfExists", ',
        _IMPORT,
    ),
    Mutant(
        "what is imported is not changed",
        "command_line/importing.py",
        '"driftPolicy": "Report"}',
        '"driftPolicy": "Correct"}',
        _IMPORT,
    ),
    Mutant(
        "a password is in no argument of a database's client",
        "command_line/client_sessions.py",
        '        ("redis-cli", "-h", login.host,',
        '        ("redis-cli", "-a", login["password"], "-h", login.host,',
        _CONNECT,
    ),
)
