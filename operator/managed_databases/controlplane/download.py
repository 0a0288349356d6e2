"""Download the programs of a control plane from where they are published, and check what came."""

import asyncio
import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from managed_databases.controlplane.releases import Release, checksum_in

CONNECT_SECONDS: Final = 5.0
"""Short: where the network is closed, building from modules is next, and nobody should wait long for that news."""
READ_SECONDS: Final = 30.0
SAY_EVERY_BYTES: Final = 25_000_000


class DownloadFailed(Exception):
    """The program could not be had; the text says why."""


class HostUnreachable(DownloadFailed):
    """No connection: asking the same host for something else is pointless."""


class WrongChecksum(DownloadFailed):
    """The downloaded file has another checksum than the published one."""


def http_client() -> httpx.AsyncClient:
    """Return a client for downloads; a proxy comes from the environment (HTTPS_PROXY)."""
    return httpx.AsyncClient(follow_redirects=True, timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS))


async def download(client: httpx.AsyncClient, release: Release, folder: Path, say: Callable[[str], None]) -> Path:
    """Download a program into `folder` and return the file. Raises DownloadFailed."""
    say(f"{release.program}: downloading {release.url}")
    try:
        sums = (await client.get(release.checksums_url)).raise_for_status().text
        expected = checksum_in(sums, release.file_name)
        if expected is None:
            raise DownloadFailed(f"{release.checksums_url} states no SHA-256 for {release.file_name}")
        fetched = folder / release.file_name
        found = await _fetch(client, release, fetched, say)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
        raise HostUnreachable(f"{release.host} cannot be reached ({error or type(error).__name__})") from error
    except httpx.HTTPStatusError as error:
        raise DownloadFailed(f"{error.request.url} says {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise DownloadFailed(f"{release.url}: {error or type(error).__name__}") from error
    if found != expected:
        fetched.unlink()
        raise WrongChecksum(f"{release.url} has SHA-256 {found}, but {expected} was published")
    if release.archive_member is None:
        return fetched
    return await asyncio.to_thread(extract, fetched, release.archive_member, folder / f"{release.program}.made")


async def _fetch(client: httpx.AsyncClient, release: Release, into: Path, say: Callable[[str], None]) -> str:
    """Write the answer's body to a file and return its SHA-256."""
    digest = hashlib.sha256()
    done = said = 0
    async with client.stream("GET", release.url) as answer:
        answer.raise_for_status()
        with into.open("wb") as file:
            async for chunk in answer.aiter_bytes():
                digest.update(chunk)
                file.write(chunk)
                done += len(chunk)
                if done - said >= SAY_EVERY_BYTES:
                    said = done
                    say(f"{release.program}: {done / 1e6:.0f} MB so far")
    return digest.hexdigest()


def extract(archive: Path, member: str, into: Path) -> Path:
    """Copy one file out of a .tar.gz or .zip, whatever path the archive gives it. Raises DownloadFailed."""
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as zipped, zipped.open(member) as source, into.open("wb") as target:
                shutil.copyfileobj(source, target)
        else:
            with tarfile.open(archive) as tarred:
                found = tarred.extractfile(member)
                if found is None:
                    raise KeyError(member)
                with found as source, into.open("wb") as target:
                    shutil.copyfileobj(source, target)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DownloadFailed(f"{archive.name} has no file {member}") from error
    return into
