"""Types the commands of a page into a shell, and compares what they print with what the page shows."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import yaml

from command_process import PEOPLES
from typed_pages import TOP, Command, blocks

PATIENCE_SECONDS: Final = 180
ENDS: Final = "---the-command-has-ended---"
SERVES = re.compile(r"managed-databases (sandbox (?!shell)|demo)")
LOOKS = re.compile(
    r"kubectl (-n \S+ )?(get|describe|wait|databases (explain|status|strangers|plan))\b|curl (?!.* -d )|"
    r"(kubectl |managed-)databases connect"
)
"""What changes nothing is typed again until it prints what the page says: a person waits as well."""
KEPT = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # an id
    r"|\b[0-9a-f]{8}\.[0-9a-f]{32}\b|\b(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{10,}\b"  # a hash
    r"|\b127\.77\.\d+\.\d+\b"  # an address of a server of the sandbox
)
"""What is another one in each run, and the same one within a run: where the page says it again, the run has to, too."""
PASSING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\b\d{8}-\d{6}\b"
    r"|\b(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+(?![\w-])"  # an age
    r"|\d+ datastores, \d+ vCPU, \d+G RAM"  # what is left of a quota
)
"""What differs with each look."""


@dataclass(frozen=True)
class Said:
    code: int
    text: str


@dataclass
class Typed:
    """What came of a page."""

    run: list[str] = field(default_factory=list)
    compared: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    illustrations: int = 0
    applied: int = 0


Hook = Callable[["PageShell"], Awaitable[object]]


class PageShell:
    """A bash with a home of its own. `stand_ins` are what the page calls otherwise: its text, and what stands for it here."""

    def __init__(
        self,
        home: Path,
        stand_ins: Mapping[str, str] | None = None,
        *,
        varies: Iterable[str] = (),
        programs: str = "",
        **environment: str,
    ) -> None:
        self.home = home
        self._passing = "|".join((*varies, PASSING.pattern))
        self._programs = programs
        self._given = dict(stand_ins or {})
        self.stand_ins = dict(self._given)
        self._environment = environment
        self._server: asyncio.subprocess.Process | None = None
        self._count = 0

    async def __aenter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(PEOPLES)}
        programs = f"{Path(sys.executable).parent}:{self._programs}:{os.environ['PATH']}"
        given = {"HOME": str(self.home), "PATH": programs, "COLUMNS": "250", "LC_ALL": "C.UTF-8"} | self._environment
        self._bash = await asyncio.create_subprocess_exec(
            "bash", "--norc", cwd=self.home, env=clean | given, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        await self.type("code=0")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        await self._bash.wait()

    def forget(self) -> None:
        """The ids of the page are others from here on."""
        self.stand_ins = dict(self._given)

    async def type(self, text: str) -> Said:
        """Run it in the shell, whose variables stay; `$?` is how the command before has ended."""
        self._count += 1
        script = self.home / f".typed-{self._count}"
        script.write_text(self._here(text) + "\n")
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        line = f'(exit $code); . {script} </dev/null 2>&1; code=$?; printf "\\n%s %s\\n" {ENDS} "$code"\n'
        self._bash.stdin.write(line.encode())
        said: list[str] = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (one := (await self._bash.stdout.readline()).decode()).startswith(ENDS):
                    assert one, f"the shell ended: {text}\n{''.join(said)}"
                    said.append(one)
        except TimeoutError:
            raise RuntimeError(f"it does not end: {text}\n{''.join(said)}") from None
        return Said(int(one.split()[1]), self._there("".join(said)).strip())

    async def serve(self, command: Command) -> None:
        """Start what goes on running, in place of what ran before, and wait until it prints what the page says."""
        await self.end_server()
        self._count += 1
        log = self.home / f".served-{self._count}"
        await self.type(f"{command.text} > {log} 2>&1 & server=$!")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._fits(command.told, self._there(log.read_text() if log.exists() else "")):
                assert (await self.type("kill -0 $server")).code == 0, log.read_text()
                await asyncio.sleep(0.1)

    async def end_server(self) -> None:
        await self.type('[ -z "$server" ] || { kill -9 $server; wait $server; server=; } 2>/dev/null')

    async def expect(self, command: Command, *, compare: bool = True) -> None:
        """Type it, until it prints what the page shows if it only looks. Without output on the page it has to end well."""
        if SERVES.match(command.text):
            await self.serve(command)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS / 3
        while True:
            said = await self.type(command.text)
            fits = (
                self._fits(command.told, said.text)
                if compare and command.told
                else said.code == 0 or bool(command.told)
            )
            if fits:
                return
            if not LOOKS.match(command.text) or loop.time() > until:
                break
            await asyncio.sleep(0.3)
        raise AssertionError(
            f"$ {command.text}\n--- the page says\n{command.told}\n--- it prints ({said.code})\n{said.text}"
        )

    async def apply(self, manifest: Mapping[str, object]) -> Said:
        (self.home / ".manifest.yaml").write_text(self._here(yaml.safe_dump(manifest)))
        return await self.type(f"kubectl apply -f {self.home}/.manifest.yaml")

    def _here(self, text: str) -> str:
        for page, real in self.stand_ins.items():
            text = text.replace(page, real)
        return text

    def _there(self, text: str) -> str:
        for page, real in self.stand_ins.items():
            text = text.replace(real, page)
        return text

    def _fits(self, told: str, said: str) -> bool:
        """Compare without regard to how lines are broken; remember what stands for the ids of the page."""
        names: dict[str, str] = {}
        pattern, rest = "", " ".join(told.split())
        variable = re.compile(f"(?P<kept>{KEPT.pattern})|(?P<passing>{self._passing})|(?P<any>\\.\\.\\.)")
        at = 0
        for found in variable.finditer(rest):
            pattern += re.escape(rest[at : found.start()])
            at = found.end()
            if found["any"]:
                pattern += ".*?"
            elif found["passing"]:
                pattern += f"(?:{self._passing})"
            elif found["kept"] in self.stand_ins:
                pattern += re.escape(found["kept"])
            elif found["kept"] in names:
                pattern += f"(?P={names[found['kept']]})"
            else:
                names[found["kept"]] = f"kept{len(names)}"
                pattern += f"(?P<{names[found['kept']]}>{KEPT.pattern})"
        match = re.fullmatch(pattern + re.escape(rest[at:]), " ".join(said.split()), re.DOTALL)
        if match is None:
            return False
        learned = {page: match[name] for page, name in names.items()}
        known = [*self.stand_ins.values(), *learned.values()]
        of_another = any(real in self.stand_ins for page, real in learned.items() if real != page)
        # What is two things on the page is one here, told by its own name or the page's.
        if of_another or len(set(known)) < len(known):
            return False
        self.stand_ins |= learned
        return True


async def walk(
    page: str,
    shell: PageShell,
    *,
    left_out: Mapping[str, str],
    elsewhere: Mapping[str, str] | None = None,
    before: Mapping[str, Hook] | None = None,
    apply: bool = False,
    headings: Iterable[str] = (),
) -> Typed:
    """Type all commands of a page in their order, and with `apply` its manifests.

    `left_out` says of commands, by how they begin, why they cannot be run here: the page calls their blocks illustrations if they
    show an output. `elsewhere` names the test (a file) that types them, and compares what they print. `before` does what the page
    only tells before a command. Manifests go by KIND/NAME (HEADING).
    """
    before, elsewhere, came = dict(before or {}), dict(elsewhere or {}), Typed()
    used: set[str] = set()
    wrong = [f"there is no {test}" for test in {*elsewhere.values()} if not list((TOP / "tests").rglob(test))]

    async def prepare(text: str) -> None:
        for start in [each for each in before if text.startswith(each) and each not in used]:
            used.add(start)
            try:
                await before[start](shell)
            except AssertionError as error:  # often because of what a command did not do
                wrong.append(f"before {start}: {error}")
                raise AssertionError("\n\n".join(wrong)) from error

    for block in blocks(TOP / page):
        if headings and block.heading not in headings:
            continue
        came.illustrations += bool(block.illustration)
        where = f"{page}:{block.line}"
        for each in block.manifests if apply else ():
            name = f"{each['kind']}/{each['metadata']['name']} ({block.heading})"
            reasons = [start for start in left_out if name.startswith(start)]
            if reasons:
                used.update(reasons)
                continue
            await prepare(name)
            said = await shell.apply(each)
            if said.code != 0:
                wrong.append(f"{where}: {name}\n{said.text}")
            came.applied += 1
        for command in block.commands:
            tests = [start for start in elsewhere if command.text.startswith(start)]
            if tests:
                used.update(tests)
                came.elsewhere[command.text] = elsewhere[tests[0]]
                continue
            reasons = [start for start in left_out if command.text.startswith(start)]
            if reasons:
                used.update(reasons)
                came.left_out[command.text] = left_out[reasons[0]]
                if command.told and not block.illustration:
                    wrong.append(f"{where} is an illustration: {command.text}")
                continue
            await prepare(command.text)
            try:
                await shell.expect(command, compare=not block.illustration)
            except AssertionError as error:  # the others are tried as well
                wrong.append(f"{where}: {error}")
            came.run.append(command.text)
            came.compared += bool(command.told) and not block.illustration
    wrong += [f"the page has no such command: {each}" for each in {*left_out, *elsewhere, *before} - used]
    assert not wrong, "\n\n".join(wrong)
    return came
