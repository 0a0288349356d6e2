"""The sandbox and the operator as processes of their own, which end with the demo."""

import asyncio
import contextlib
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from managed_databases.sandbox.projects import DEFAULT_DOMAIN, DEFAULT_PASSWORD, DEFAULT_PROJECT_ID, DEFAULT_USERNAME

STOP_SECONDS = 12.0
TAIL_LINES = 15


@dataclass(frozen=True)
class RunningSandbox:
    url: str
    certificate: str | None = None
    """The file with the root certificate of its servers; None if it runs none."""
    names: bool = False
    """Whether datastores have names, which only a `sandbox shell` resolves."""

    async def offer_roles(self) -> None:
        """Let users have roles, as not every cloud does."""
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(f"{self.url}/sandbox/settings", json={"user_offers": True})).raise_for_status()

    @property
    def credentials(self) -> dict[str, str]:
        """Return the data of a DatabaseProject's credentials Secret."""
        return {
            "OS_AUTH_URL": f"{self.url}/identity/v3",
            "OS_USERNAME": DEFAULT_USERNAME,
            "OS_PASSWORD": DEFAULT_PASSWORD,
            "OS_USER_DOMAIN_NAME": DEFAULT_DOMAIN,
            "INFRA_PROJECT_ID": DEFAULT_PROJECT_ID,
        }


@dataclass(frozen=True)
class RunningOperator:
    process: asyncio.subprocess.Process
    log: Path

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


async def start_sandbox(
    stack: AsyncExitStack, delay: float, folder: Path, *, engines: bool, names: bool
) -> RunningSandbox:
    """Raises RuntimeError when it does not start. `engines`: it runs a real server for each datastore, with `names`."""
    log = stack.enter_context((folder / "sandbox.log").open("wb"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases.sandbox", "--port", "0", "--delay", str(delay),
        *(["--engines"] if engines else []), *(["--names"] if names else []),
        stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
    )  # fmt: skip
    stack.push_async_callback(stop, process)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    if "listening on " not in line:
        raise RuntimeError(f"the sandbox did not start: {(folder / 'sandbox.log').read_text(errors='replace')}")
    url = line.split("listening on ", 1)[1].strip()
    if not engines:
        return RunningSandbox(url)
    told = (await process.stdout.readline()).decode()
    return RunningSandbox(url, told.partition(": ")[2].partition(", ")[0], names)


async def start_operator(
    stack: AsyncExitStack, kubeconfig: Path, context: str | None, namespace: str, folder: Path
) -> RunningOperator:
    path = folder / "operator.log"
    log = stack.enter_context(path.open("ab"))
    environment = os.environ | {
        "MANAGED_DATABASES_NAMESPACE": namespace,
        "MANAGED_DATABASES_PROBE_HOST": "127.0.0.1",
        "MANAGED_DATABASES_PROBE_PORT": "0",
        "MANAGED_DATABASES_METRICS_PORT": "0",
        "MANAGED_DATABASES_PENDING_POLL_SECONDS": "1",
    }
    where = ["--kubeconfig", str(kubeconfig), *(["--context", context] if context else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "managed_databases", "run", *where, "--log-format", "text",
        stdout=log, stderr=log, env=environment, start_new_session=True,
    )  # fmt: skip
    stack.push_async_callback(stop, process)
    return RunningOperator(process, path)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ask it to end; insist after a while."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
