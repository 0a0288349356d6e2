"""A certificate and its key from files, which are read again when they change: cert-manager and Kubernetes replace them."""

import ssl
from pathlib import Path

import structlog

from managed_databases.kube.ending import CannotStart

log = structlog.get_logger()


class Certificate:
    """A certificate and key for a TLS server. Raises CannotStart if the two files are not a certificate and its key."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        try:
            self._read_of = self._versions()
            self._context = self._read()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            named = " and ".join(map(str, self._files))
            raise CannotStart(f"{named} are not a certificate and its key: {_why(error)}") from error

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a new connection. While changed files cannot be used, the earlier certificate is."""
        try:
            versions = self._versions()
            if versions != self._read_of:
                self._read_of = versions
                self._context = self._read()
                log.info("the certificate was read again", file=str(self._files[0]))
        except (OSError, ValueError) as error:
            log.warning(
                "the new certificate cannot be used, the one before still is",
                file=str(self._files[0]),
                error=_why(error),
            )
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # With a password that is wrong for every key: asked for one, OpenSSL would ask at the terminal.
        context.load_cert_chain(*self._files, password="")
        return context

    def _versions(self) -> list[tuple[int, int, int]]:
        return [(found.st_mtime_ns, found.st_ino, found.st_size) for found in (each.stat() for each in self._files)]


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
