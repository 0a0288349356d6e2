"""Where servers live: folders, accounts, addresses, certificates, administrators' passwords."""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from managed_databases.sandbox.servers.certificates import Authority
from managed_databases.sandbox.servers.processes import Account, unprivileged

_OPEN: Final = Path("/var/tmp")


@dataclass(frozen=True)
class Site:
    """The place of one server. `folder` is the server's own; it holds `server.crt` and `server.key`.

    `administrator` is the password of the sandbox's own account in the server.
    """

    folder: Path
    account: Account | None
    authority: Path
    administrator: str

    def write(self, name: str, text: str | bytes, mode: int = 0o600) -> Path:
        """Write a file of the server's, as a whole or not at all."""
        path, fresh = self.folder / name, self.folder / f"{name}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        if self.account is not None:
            self.account.owns(fresh)
        fresh.replace(path)
        return path

    def make_folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            self.account.owns(path)
        return path


class Home:
    """The folder of all servers of a sandbox: beside its state, and if there is none, until the sandbox ends."""

    def __init__(self, state: Path | None) -> None:
        self.account = unprivileged()
        self._temporary = state is None
        self.folder = self._made(state)
        self.authority = Authority(self.folder)

    def site(self, id_: str, addresses: Sequence[str], names: Sequence[str]) -> Site:
        """Return the place of a datastore's server; its certificate is made anew if addresses or names have changed."""
        folder = self.folder / id_
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            self.account.owns(folder)
        password = folder / "administrator"
        if not password.exists():
            Site(folder, self.account, self.authority.path, "").write(password.name, secrets.token_urlsafe(24))
        site = Site(folder, self.account, self.authority.path, password.read_text())
        told = "\n".join((*addresses, *names))
        subject = folder / "server.names"
        if not subject.exists() or subject.read_text() != told:
            certificate, key = self.authority.certificate_for(addresses, names)
            site.write("server.key", key)
            site.write("server.crt", certificate)
            site.write(subject.name, told)
        return site

    def remove(self, id_: str) -> None:
        shutil.rmtree(self.folder / id_, ignore_errors=True)

    def close(self) -> None:
        """Remove what shall not outlive the sandbox."""
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _made(self, state: Path | None) -> Path:
        if state is None:
            parent = Path(tempfile.gettempdir())
            where = parent if self.account is None or _is_open(parent) else _OPEN
            folder = Path(tempfile.mkdtemp(prefix="managed-databases-engines-", dir=where))
        else:
            folder = folder_of(state)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                raise PermissionError(f"{folder} is somebody else's")
        folder.chmod(0o700 if self.account is None else 0o711)
        return folder


def folder_of(state: Path) -> Path:
    """Return the folder of a state's servers: beside it, or elsewhere if the account that servers run as cannot reach that."""
    beside = state.absolute().with_name(f"{state.name}.engines")
    if unprivileged() is None or _is_open(beside.parent):
        return beside
    return _OPEN / f"managed-databases-{hashlib.sha256(str(beside).encode()).hexdigest()[:16]}"


def _is_open(folder: Path) -> bool:
    """Whether everybody may go through the folder."""
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))
