"""The checksums of all files, and their signature."""

import hashlib
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from release.programs import run

SUMS: Final = "SHA256SUMS"
KEY_VARIABLE: Final = "RELEASE_KEY"
"""A private key in PEM: how CI gives it, whose secrets are variables."""


def write_sums(folder: Path) -> None:
    """As `sha256sum` writes them."""
    lines = []
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(SUMS):
            with path.open("rb") as content:
                lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {path.name}\n")
    (folder / SUMS).write_text("".join(lines))


def sign(folder: Path, key: Path | None) -> bool:
    """Sign the checksums by `key` or the one of $RELEASE_KEY, and add the public key; return whether there is a key.

    Raises Failed: openssl cannot do it.
    """
    sums, signature, public = folder / SUMS, folder / f"{SUMS}.sig", folder / f"{SUMS}.pub"
    with ExitStack() as stack:
        if key is None:
            if not (text := os.environ.get(KEY_VARIABLE, "")):
                return False
            file = stack.enter_context(tempfile.NamedTemporaryFile("w", prefix="key-"))  # readable by its owner alone
            file.write(text)
            file.flush()
            key = Path(file.name)
        run(["openssl", "dgst", "-sha256", "-sign", key, "-out", signature, sums])
        run(["openssl", "pkey", "-in", key, "-pubout", "-out", public])
    run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, sums])
    return True
