"""Why a command ends without having done what was asked, in words for whoever has typed it."""

from managed_databases.command_line.exit_codes import BAD_USAGE, FAILED
from managed_databases.kinds.registry import GROUP


class Problem(Exception):
    """The command cannot go on. The text says what is wrong, and what to do; `code` is the exit code."""

    code = FAILED


class BadUsage(Problem):
    """What was typed, or a file that it names, is wrong."""

    code = BAD_USAGE


class NoDefault(BadUsage):
    """No project was named, and not exactly one is the default."""


class MissingRight(Problem):
    """Kubernetes does not let this person read something."""

    def __init__(self, verb: str, plural: str, namespace: str | None) -> None:
        where = f"in the namespace {namespace}" if namespace else "in the whole cluster"
        there = f"-n {namespace}" if namespace else "--all-namespaces"
        super().__init__(
            f"you may not {verb} {plural} {where}: have somebody give you that right "
            f"(kubectl auth can-i {verb} {plural} {there} tells)"
        )
        self.verb, self.plural, self.namespace = verb, plural, namespace


class NotInstalled(Problem):
    """The cluster does not know a kind: one of the operator's, or one of Kubernetes itself."""

    def __init__(self, plural: str) -> None:
        if plural.endswith(f".{GROUP}"):
            super().__init__(f"this cluster does not know {plural}: is the operator installed there?")
        else:
            super().__init__(f"this server does not know {plural}: is it the API server of a Kubernetes cluster?")
