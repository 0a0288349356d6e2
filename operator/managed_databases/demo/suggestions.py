"""What people can try once all is Ready, in an order in which each step works while the one before it still does."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from managed_databases.demo.processes import RunningSandbox
from managed_databases.demo.progress_table import short_kind
from managed_databases.visible import visible

_COMMENT_AT: Final = 44
_SCRIPTS: Final = Path(sys.executable).parent
"""Where `managed-databases` is; the last folder of PATH, because a python is there, too."""
_RESIZED: Final = "postgresql"
"""The engine whose datastores the demo proposes to enlarge: not all take more nodes."""


def suggestions(
    resources: Sequence[Any], kubeconfig: Path, context: str | None, binaries: Path, sandbox: RunningSandbox
) -> str:
    """Return the commands to try, for the resources (as Kubernetes has them) that were applied.

    The Secret goes before the change of its datastore: a password is set only where the datastore is not at work.
    """
    kubectl = "kubectl" if context is None else f"kubectl --context {shlex.quote(context)}"
    lines = [f"export KUBECONFIG={kubeconfig} PATH={binaries}:$PATH:{_SCRIPTS}", f"{kubectl} get databases"]
    users = [each for each in resources if each["kind"] == "DatabaseUser" and each.get("status", {}).get("binding")]
    if users:
        secret = users[0]["status"]["binding"]["name"]
        command = f"{kubectl} delete secret {secret}{_in_namespace(users[0])}"
        lines.append(_explained(command, "comes back, with a new password that is set in the cloud"))
        if sandbox.certificate is not None:
            where = "" if context is None else f" --context {shlex.quote(context)}"
            command = f"managed-databases connect {users[0]['metadata']['name']}{_in_namespace(users[0])}{where}"
            if sandbox.names:
                command = f"managed-databases sandbox shell --url {sandbox.url} -- {command}"
            lines.append(_explained(command, "psql, with the login of that Secret"))
    datastores = [each for each in resources if each["kind"] == "ManagedDatastore"]
    for datastore in [each for each in datastores if each["spec"]["engine"]["type"] == _RESIZED][:1]:
        named = f"{short_kind('ManagedDatastore')} {datastore['metadata']['name']}{_in_namespace(datastore)}"
        nodes = datastore["spec"].get("nodeCount", 1) + 1
        patch = f'{{"spec": {{"nodeCount": {nodes}}}}}'
        lines.append(f"{kubectl} patch {named} --type merge -p '{patch}'")
        lines.append(_explained(f"{kubectl} get {named} --watch", "Ctrl-C once it says Ready again"))
        lines.append(f"{kubectl} describe {named}")
        lines.append(
            _explained(f"{kubectl} delete {named}", "refused: it is protected, and the message says what to do")
        )
    lines.append(f"curl -s {sandbox.url}/sandbox/requests?method=POST")
    if sandbox.certificate is not None:
        lines.append(f"curl -s {sandbox.url}/sandbox/engines")
    return "".join(f"  {visible(line)}\n" for line in lines)


def _in_namespace(resource: Any) -> str:
    namespace = resource["metadata"]["namespace"]
    return "" if namespace == "default" else f" -n {namespace}"


def _explained(command: str, comment: str) -> str:
    return f"{command:<{_COMMENT_AT}}  # {comment}"
