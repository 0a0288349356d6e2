"""The programs as people start them: under their names, interrupted, with an output that nobody reads or takes, and completed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from managed_databases.cli import COMMANDS

BIN: Final = Path(sys.executable).parent
PROGRAMS: Final = ("managed-databases", "kubectl-databases")
INTERRUPTED: Final = """
import importlib.abc, os, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv = ["managed-databases", "status"]
from managed_databases.programs import main
main()
"""
"""Somebody types Ctrl-C when Python begins to load that module."""


def run(program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    usual = {"HOME": "/nonexistent", "PATH": os.environ["PATH"], "COLUMNS": "100"}
    return subprocess.run(
        [BIN / program, *arguments], env=usual | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["typer", "managed_databases.command_line.status_command", "aiohttp"])
def test_ctrl_c_while_python_loads_the_program(module: str) -> None:
    source = INTERRUPTED.format(module=module)
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    source = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{INTERRUPTED.format(module='typer')}"
    ended = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False, env={"HOME": "/nonexistent"}
    )
    assert (ended.returncode, "there is no kubeconfig file" in ended.stderr) == (2, True), ended


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("arguments", ["--help", "plan --help", "--version", "run --help"])
def test_nobody_reads_further(program: str, arguments: str) -> None:
    """As with `| head -1`: what was asked for is told, and the exit code stays that of the answer."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as nobody:
        ended = subprocess.run(
            [BIN / program, *arguments.split()], stdout=nobody, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["--help", "--version", "docs --help"])
def test_a_full_disk(arguments: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [BIN / PROGRAMS[0], *arguments.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (1, "the answer could not be written: No space left on device\n")


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_output(closed: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" --version {closed}>&-', BIN / PROGRAMS[0]], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


ODD: Final = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""An environment in which Python knows ASCII only."""


@pytest.mark.parametrize(
    "arguments", [("explain", "dbu/é"), ("explain", "dbu/x", "-n", "é"), ("status", "--project", "é")]
)
def test_a_letter_that_the_locale_does_not_know(arguments: tuple[str, ...], tmp_path: Path) -> None:
    cluster = {"server": "http://127.0.0.1:1"}
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    ended = run(PROGRAMS[1], *arguments, KUBECONFIG=str(path), **ODD)
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    assert ended.stderr.endswith(": these bytes are no text (ascii): is the right locale set?\n"), ended
    assert "Traceback" not in ended.stderr


def test_an_operator_takes_no_kubeconfig_of_the_environment() -> None:
    ended = run(PROGRAMS[0], "run", "--context", "prod", KUBECONFIG="/nonexistent")
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    assert ended.stderr.startswith("the context prod is of no kubeconfig: name the file with --kubeconfig."), ended


# --- completion ---


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
@pytest.mark.parametrize("shell", ["bash", ""])
def test_the_plugin_does_not_take_the_place_of_kubectl(option: str, shell: str, tmp_path: Path) -> None:
    path = f"{BIN}:{os.environ['PATH']}"
    ended = run("kubectl-databases", option, *([shell] if shell else []), HOME=str(tmp_path), PATH=path)
    assert (ended.returncode, ended.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert ended.stderr.startswith("kubectl itself completes `kubectl databases`: set up kubectl's own completion")
    assert "is not in your PATH" not in ended.stderr
    elsewhere = run("kubectl-databases", option, HOME=str(tmp_path), PATH="/usr/bin:/bin")
    assert "which is not in your PATH" in elsewhere.stderr


def test_the_program_completes_no_other_name_than_its_own() -> None:
    for program, before in ((PROGRAMS[0], ()), ("python", ("-m", "managed_databases"))):
        shown = run(program, *before, "--show-completion", "bash")
        assert "complete -o default -F _managed_databases_completion managed-databases\n" in shown.stdout, shown


@pytest.mark.parametrize(
    ("words", "there", "ending"),
    [
        ("", {"run", *COMMANDS}, ":4"),
        ("pl", {"plan"}, ":4"),
        ("-", {"--version", "--help"}, ":4"),
        ("x", set[str](), ":0"),
        ("plan --oper", {"--operator-namespace"}, ":4"),
        ("plan -o ", {"table", "json"}, ":4"),
        ("plan -f ", set[str](), ":0"),
        ("sandbox sh", {"shell"}, ":4"),
        ("plan 'it is", set[str](), ":0"),
    ],
)
def test_what_kubectl_is_told(words: str, there: set[str], ending: str) -> None:
    ended = run("kubectl_complete-databases", *words.split(" "))
    assert (ended.returncode, ended.stderr) == (0, "")
    *choices, last = ended.stdout.splitlines()
    found = {line.partition("\t")[0] for line in choices}
    assert (found >= there, bool(found) == bool(there), last) == (True, True, ending), ended.stdout


def test_a_command_is_described_as_its_help_describes_it() -> None:
    told = [line.split("\t") for line in run("kubectl_complete-databases", "").stdout.splitlines()[:-1]]
    help_ = " ".join(run(PROGRAMS[0], "--help", COLUMNS="200").stdout.replace("│", " ").split())
    assert [name for name, text in told if f"{name} {text}" not in help_] == []


def test_the_plugin_offers_no_completion_of_its_own() -> None:
    assert "completion" not in run("kubectl_complete-databases", "--").stdout


def test_a_command_is_completed_without_loading_it() -> None:
    program = (
        "import sys; from managed_databases.completion import kubectl_completions; assert kubectl_completions([''])\n"
        "print([name for name in sys.modules if name.startswith(('kubernetes', 'httpx', 'pydantic', 'managed_databases.kube'))])"
    )
    assert run("python", "-c", program).stdout == "[]\n"


def test_who_reads_no_further_gets_no_traceback() -> None:
    command = f"set -o pipefail; {BIN}/kubectl_complete-databases '' | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_choice_is_described() -> None:
    said = run("kubectl_complete-databases", "plan", "--").stdout
    told = dict(line.split("\t") for line in said.splitlines() if "\t" in line)
    assert told["--operator-namespace"].startswith("The operator's namespace")
