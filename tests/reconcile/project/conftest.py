"""Tests of a project run in virtual time: how long this machine takes for anything changes nothing."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from virtual.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual time": VirtualLoop}
