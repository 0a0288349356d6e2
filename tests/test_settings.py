"""What is set reaches the engine, and each default stands in one place."""

from typing import Any

import pytest

from managed_databases.kube.operator import controller_settings
from managed_databases.reconcile.controller_settings import ControllerSettings
from managed_databases.settings import Settings

KNOBS = {"workers": 3, "datastore_workers": 2, "max_connections": 5, "poll_seconds": 7.5, "call_limit_seconds": 4.0}


def test_the_defaults_are_the_engines() -> None:
    assert controller_settings(Settings()) == ControllerSettings()


@pytest.mark.parametrize(("name", "value"), KNOBS.items())
def test_what_is_set_reaches_the_controller(name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MANAGED_DATABASES_{name.upper()}", str(value))
    assert getattr(controller_settings(Settings()), name) == value
