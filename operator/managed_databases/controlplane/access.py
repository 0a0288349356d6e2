"""Who may talk to a local API server: its token file, and a kubeconfig for each person in it."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ADMIN: Final = "admin"
ADMIN_GROUPS: Final = ("system:masters",)


@dataclass(frozen=True)
class ClusterUser:
    """A user of the API server. Groups are part of who one is: the same name with other groups is another entry."""

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


def token_file_text(people: Iterable[ClusterUser]) -> str:
    """Return what `--token-auth-file` reads: token, name, uid and, if there are any, the groups in quotes."""
    return "".join(map(_line, people))


def _line(person: ClusterUser) -> str:
    groups = f',"{",".join(person.groups)}"' if person.groups else ""
    return f"{person.token},{person.name},{person.name}{groups}\n"


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def write_kubeconfig(path: Path, url: str, ca_file: Path, name: str, token: str) -> Path:
    """Write a kubeconfig with one cluster, one user and one context. It is JSON, which YAML readers read."""
    return write_private(
        path,
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "local", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
                "users": [{"name": name, "user": {"token": token}}],
                "contexts": [{"name": "local", "context": {"cluster": "local", "user": name}}],
                "current-context": "local",
            },
            indent=2,
        ),
    )
