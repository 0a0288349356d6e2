"""Finds the servers' programs: on this machine, or in the cache that `make engines` fills (`fetching.py`)."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

MACHINE: Final = platform.machine()

_SYSTEM_FOLDERS: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
"""Where servers lie that are not in everybody's PATH."""


class ProgramMissing(Exception):
    """There is no such program; the text says how to get it."""


@dataclass(frozen=True)
class Program:
    """A program and what it needs to run. `version` is what it says itself."""

    path: Path
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


def cache_root() -> Path:
    """Return the folder of fetched programs. Root's own folders cannot be read by the account that servers run as."""
    if os.geteuid() == 0:
        return Path("/var/cache/managed-databases/engines")
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "managed-databases" / "engines"


def postgresql(major: str) -> Program:
    """Return `postgres` of this major version, with `initdb` beside it. Raises ProgramMissing."""
    candidates = [cache_root() / f"postgresql-{major}" / "bin" / "postgres", *_named("postgres")]
    candidates.append(Path(f"/usr/lib/postgresql/{major}/bin/postgres"))
    for path in candidates:
        real = path.resolve()
        if not os.access(real, os.X_OK) or not (real.parent / "initdb").exists():
            continue
        version = _version_of(real, "--version")
        if version and version.partition(".")[0] == major:
            return Program(real, version)
    raise ProgramMissing(_missing(f"PostgreSQL {major}", f"postgresql-{major}"))


def postgresql_versions() -> list[str]:
    """Return the major versions that are there."""
    return [major for major in map(str, range(12, 19)) if _is_there(postgresql, major)]


def pgbouncer() -> Program:
    return _simple("pgbouncer", "PgBouncer")


def mariadb() -> Program:
    return _simple("mariadbd", "MariaDB", "mariadb-server-core")


def kafka(version: str) -> Program:
    """Return Java, with Kafka of this version (3.6) on its class path. Raises ProgramMissing."""
    libraries = cache_root() / f"kafka-{version}" / "lib"
    if not (jars := sorted(libraries.glob("kafka_2.13-*.jar"))):
        raise ProgramMissing(_missing(f"Kafka {version}", f"kafka-{version}"))
    java = next((path for path in _named("java") if _version_of(path, "-version")), None)
    if java is None:
        raise ProgramMissing("Kafka needs Java 17 or newer, which is not on this machine")
    return Program(java, jars[0].stem.rpartition("-")[2], {"CLASSPATH": f"{libraries}/*"})


def redis() -> Program:
    """Return Redis, or Valkey. Raises ProgramMissing."""
    try:
        return _simple("redis-server", "Redis")
    except ProgramMissing:
        if _is_there(_simple, "valkey-server", "Valkey"):
            return _simple("valkey-server", "Valkey")
        raise


def _is_there(find: object, *arguments: str) -> bool:
    try:
        find(*arguments)  # type: ignore[operator]
    except ProgramMissing:
        return False
    return True


def _simple(name: str, title: str, package: str | None = None) -> Program:
    """Return a program that is on the machine, or in the cache under the name of its package. Raises ProgramMissing."""
    folder = cache_root() / (package or name)
    libraries = ":".join(str(path) for path in sorted(folder.glob("usr/lib/*-linux-gnu*")))
    for path in (*_named(name), folder / "usr" / "bin" / name, folder / "usr" / "sbin" / name):
        environment = {"LD_LIBRARY_PATH": libraries} if path.is_relative_to(folder) and libraries else {}
        if os.access(path, os.X_OK) and (version := _version_of(path, "--version", environment)):
            return Program(path, version, environment)
    raise ProgramMissing(_missing(title, package or name))


def _named(name: str) -> list[Path]:
    found = shutil.which(name)
    paths = [Path(found)] if found else []
    return paths + [path for path in (Path(folder, name) for folder in _SYSTEM_FOLDERS) if path.exists()]


def _version_of(path: Path, argument: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the version in a program's own words; empty if it does not run here."""
    return _asked(path, argument, tuple(sorted((environment or {}).items())))


@cache
def _asked(path: Path, argument: str, environment: tuple[tuple[str, str], ...]) -> str:
    try:
        said = subprocess.run(
            [path, argument],
            capture_output=True,
            text=True,
            timeout=20,
            env=os.environ | dict(environment),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+(\.\d+)*", said.stdout + said.stderr)
    return found[0] if found and said.returncode == 0 else ""


def _missing(title: str, name: str) -> str:
    return f"{title} is not on this machine; `make engines ARGS={name}` fetches it"


def forget() -> None:
    """Ask the programs for their versions anew: others may be there now."""
    _asked.cache_clear()
