"""Build the programs of a control plane from their released Go modules, where nothing can be downloaded."""

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from managed_databases.controlplane.releases import (
    ETCD_MODULE,
    ETCD_VERSION,
    HELM_MODULE,
    HELM_VERSION,
    KUBE_MODULE,
    KUBE_VERSION,
)

SAY_EVERY_SECONDS: Final = 20

_STAGING: Final = re.compile(r"^\s*(\S+)\s+=>\s+\./staging/", re.MULTILINE)
_GO_LINE: Final = re.compile(r"^go\s+(\S+)", re.MULTILINE)


class BuildFailed(Exception):
    """Go is not here, or could not build; the text says why."""


async def build(program: str, folder: Path, say: Callable[[str], None]) -> Path:
    """Build `program` in `folder` (empty or used for this before) and return the executable. Raises BuildFailed.

    Takes minutes for a program of Kubernetes. Modules come through Go's own settings (GOPROXY, GOMODCACHE).
    """
    go = shutil.which("go")
    if go is None:
        raise BuildFailed("`go` is not on PATH")
    if program == "etcd":
        module, package, flags = f"{ETCD_MODULE}@v{ETCD_VERSION}", ETCD_MODULE, "-s -w"
    elif program == "helm":
        module, package = f"{HELM_MODULE}@v{HELM_VERSION}", f"{HELM_MODULE}/cmd/helm"
        flags = f"-s -w -X {HELM_MODULE}/internal/version.version=v{HELM_VERSION}"
    else:
        module, package = f"{KUBE_MODULE}@v{KUBE_VERSION}", f"{KUBE_MODULE}/cmd/{program}"
        flags = f"-s -w -X k8s.io/component-base/version.gitVersion=v{KUBE_VERSION}"
    say(f"{program}: building {module} with Go; Kubernetes takes minutes")
    work = folder / module.replace("/", "-")
    work.mkdir(parents=True, exist_ok=True)
    described = json.loads(await _run([go, "mod", "download", "-json", module], work, f"{program}: loading", say))
    its_go_mod = await asyncio.to_thread(Path(described["GoMod"]).read_text)
    (work / "go.mod").write_text(go_mod_for(module, its_go_mod))
    made = work / f"{program}.made"
    command = [go, "build", "-mod=mod", "-trimpath", "-ldflags", flags, "-o", str(made), package]
    await _run(command, work, f"{program}: building", say)
    return made


def go_mod_for(module: str, its_go_mod: str) -> str:
    """Return a go.mod that can build `module` (path@version), given the module's own.

    Kubernetes replaces its staging modules by folders that only its repository has. Each is also released by itself,
    as v0.X.Y for v1.X.Y.
    """
    path, version = module.split("@")
    go_line = _GO_LINE.search(its_go_mod)
    lines = [
        "module controlplane",
        "",
        f"go {go_line.group(1) if go_line else '1.26'}",
        "",
        f"require {path} {version}",
    ]
    staged = "v0." + version.split(".", 1)[1]
    lines += [f"replace {name} => {name} {staged}" for name in _STAGING.findall(its_go_mod)]
    return "\n".join([*lines, ""])


async def _run(command: Sequence[str], folder: Path, what: str, say: Callable[[str], None]) -> bytes:
    """Run a command in its own process group, which ends with us; return its output. Raises BuildFailed."""
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(what, say), name=what)
            output, errors = await process.communicate()
            telling.cancel()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        # `go mod download -json` puts its error on standard output.
        last = (errors.strip() or output.strip()).decode(errors="replace").splitlines()[-5:]
        raise BuildFailed(f"`{' '.join(command[:3])}` ended with {process.returncode}: " + " / ".join(last))
    return output


async def _tell(what: str, say: Callable[[str], None]) -> None:
    seconds = 0
    while True:
        await asyncio.sleep(SAY_EVERY_SECONDS)
        seconds += SAY_EVERY_SECONDS
        say(f"{what}, {seconds} s so far")
