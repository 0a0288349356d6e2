"""Reads a kubeconfig without writing anything.

The `kubernetes` package puts certificates and keys that stand in a kubeconfig into files of a temporary folder: TLS takes
them from files only. A container may have no such folder, and a key does not belong there: here they are files in memory.
"""

import asyncio
import base64
import binascii
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio import client
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.kube_config import KubeConfigLoader

_LOGGER: Final = logging.getLogger(KubeConfigLoader.__module__)
_DATA: Final = "-data"
_IN_FILES: Final = tuple(f"{name}{_DATA}" for name in ("certificate-authority", "client-certificate", "client-key"))


class MemoryFiles:
    """Files without a folder, each of them once, that can be opened by their path until `close`."""

    def __init__(self) -> None:
        self._descriptors: dict[bytes, int] = {}

    def path_of(self, content: bytes) -> str:
        descriptor = self._descriptors.get(content)
        if descriptor is None:
            descriptor = self._descriptors[content] = os.memfd_create("kubeconfig")
            os.write(descriptor, content)
        return f"/proc/self/fd/{descriptor}"

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()


class _Loader(KubeConfigLoader):
    """Reads a kubeconfig, and does not go on as nobody when the program that it names for the login gives none."""

    async def load_from_exec_plugin(self) -> bool:
        assert self._user is not None, "the package asks only for a user with a program"
        command = str(self._user["exec"]["command"])
        if shutil.which(command) is None:
            raise ConfigException(
                f"the program {command}, with which its user logs in, is not in PATH: install it, or name another kubeconfig"
            )
        with _complaints() as told:
            done = await super().load_from_exec_plugin()  # type: ignore[no-untyped-call]
        if told or not done:
            why = "; ".join(told) or "it gives no credentials"
            raise ConfigException(f"the program {command}, with which its user logs in, has failed: {why}")
        return True


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what the `kubernetes` package only logs."""
    told: list[str] = []

    class Collects(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler = Collects(logging.ERROR)
    before, _LOGGER.propagate = _LOGGER.propagate, False
    _LOGGER.addHandler(handler)
    try:
        yield told
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = before


async def load(path: Path, context: str | None, configuration: client.Configuration, files: MemoryFiles) -> None:
    """Fill `configuration`. Raises ConfigException, whatever is wrong with the file, and OSError."""
    try:
        loader = await asyncio.to_thread(_read, path, context, files)
        await loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        raise ConfigException(f"{path} is not YAML") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ConfigException(f"{path} is not a usable kubeconfig ({type(error).__name__})") from error


def _read(path: Path, context: str | None, files: MemoryFiles) -> _Loader:
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict):
        raise ConfigException(f"{path} is not a kubeconfig")
    if hasattr(os, "memfd_create"):  # Linux: elsewhere nobody runs in a container
        for section in _sections(content):
            _take_out(section, files)
    return _Loader(content, context, config_base_path=str(path.absolute().parent))  # type: ignore[no-untyped-call]


def _sections(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for plural in ("clusters", "users"):
        for named in content.get(plural) or ():
            section = named.get(plural[:-1])
            if isinstance(section, dict):
                yield section


def _take_out(section: dict[str, Any], files: MemoryFiles) -> None:
    for key in _IN_FILES:
        if data := section.get(key):
            with suppress(binascii.Error):  # TLS will say that it is no certificate
                section[key.removesuffix(_DATA)] = files.path_of(base64.standard_b64decode(data))
                del section[key]
