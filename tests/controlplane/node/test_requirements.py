"""Where no node can run, each reason is said, with what to do."""

from pathlib import Path

import pytest

from managed_databases.controlplane.node import requirements


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert any("it needs root" in reason and "sudo" in reason for reason in requirements.missing())


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert requirements.missing() == ["a node needs Linux, and this is darwin"]


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_program", lambda name: None if name in ("runc", "ctr") else "/bin/true")
    monkeypatch.setattr(requirements, "CNI_FOLDERS", (Path("/nowhere"),))
    said = next(reason for reason in requirements.missing() if reason.startswith("not installed"))
    assert "not installed: ctr, runc, the CNI plugins ptp, host-local, loopback" in said
    assert said.endswith("apt-get install --no-install-recommends containerd containernetworking-plugins runc")
