"""The languages of consumers: what is fetched for them, and how their programs are run. Kept in `.cache/consumers`."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import go_program

HERE: Final = Path(__file__).parent
MYSQLCLIENT: Final = "mysqlclient==2.3.2"
_LIMIT_SECONDS: Final = 600


class Missing(Exception):
    """The text says what is not on this machine."""


def _made(language: str, *commands: Sequence[str], called: str | None = None) -> Path:
    """Return a folder with a copy of the language's sources, in which these commands were run once."""
    sources = HERE / language
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources.iterdir()))).hexdigest()
    folder = go_program.CACHE / "consumers" / f"{called or language}-{digest[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(sources, folder)
            for command in commands:
                _run(command, folder)
            (folder / "made").touch()
    return folder


def _run(command: Sequence[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise Missing(f"{command[0]} is not in PATH")
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS)
    if ended.returncode != 0:
        raise Missing(f"{' '.join(command)}: {ended.stdout[-500:]}{ended.stderr[-500:]}")


def own_python(consumer: str, *arguments: str) -> list[str]:
    """With the drivers that the tests have already."""
    return [sys.executable, str(HERE / "python" / "login.py"), consumer, *arguments]


def python(consumer: str, *arguments: str) -> list[str]:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", "lib"]
    folder = _made("python", [*install, "--requirement", "requirements.txt"])
    return ["env", f"PYTHONPATH={folder / 'lib'}", *own_python(consumer, *arguments)]


def python_with_mysqlclient(consumer: str, *arguments: str) -> list[str]:
    """mysqlclient is compiled (Debian: default-libmysqlclient-dev pkg-config)."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", "lib"]
    folder = _made("python", [*install, MYSQLCLIENT], called="mysqlclient")
    return [
        "env",
        f"PYTHONPATH={folder / 'lib'}:{python(consumer)[1].partition('=')[2]}",
        *own_python(consumer, *arguments),
    ]


def java(program: str, *arguments: str) -> list[str]:
    copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"]
    folder = _made("java", copy, ["sh", "-c", "javac -cp 'lib/*' *.java"])
    left_out = "spring-cloud-bindings" if "-Dbindings" not in arguments else "none"
    jars = [str(jar) for jar in sorted((folder / "lib").iterdir()) if not jar.name.startswith(left_out)]
    options = [each for each in arguments if each.startswith("-D")]
    others = [each for each in arguments if not each.startswith("-D")]
    return ["java", "-cp", os.pathsep.join([str(folder), *jars]), *options, program, *others]


def go(driver: str, *_: str) -> list[str]:
    if shutil.which("go") is None:
        raise Missing("go is not in PATH")
    return [str(go_program.build(HERE / "go", "consumers-go")), driver]


def node(consumer: str, *_: str) -> list[str]:
    folder = _made("node", ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"])
    return ["node", str(folder / "login.js"), consumer]


def ruby(consumer: str, *arguments: str) -> list[str]:
    libraries = "active_record pg mysql2 redis"
    script = f"%w[{libraries}].each {{ |one| require one }}"
    if (
        shutil.which("ruby") is None
        or subprocess.run(["ruby", "-e", script], check=False, capture_output=True).returncode
    ):
        raise Missing(
            "ruby with active_record, pg, mysql2 and redis (Debian: ruby-activerecord ruby-pg ruby-mysql2 ruby-redis)"
        )
    return ["ruby", str(HERE / "ruby" / "login.rb"), consumer, *arguments]


def psql(*_: str) -> list[str]:
    if shutil.which("psql") is None:
        raise Missing("psql is not in PATH")
    return ["psql", "-XAtc", "SELECT CURRENT_USER"]
