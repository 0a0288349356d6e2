"""Servers' programs for tests: at hand, or a reason to leave the test out; in CI, where they can be had, a reason to fail."""

import os

import pytest

from managed_databases.sandbox.servers.fetching import offers
from managed_databases.sandbox.servers.programs import ProgramMissing


def need(*names: str) -> None:
    """Skip the test unless these programs (of `make engines`) are here."""
    for name in names:
        try:
            offers()[name].find()
        except ProgramMissing as missing:
            if os.environ.get("CI"):
                pytest.fail(f"in CI this must be there: {missing}", pytrace=False)
            pytest.skip(str(missing))
