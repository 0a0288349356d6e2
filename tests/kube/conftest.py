"""The replicas of an operator and the Lease that they lead by."""

import pytest

from kube.lease_server import LeaseServer, Replica


@pytest.fixture
def server() -> LeaseServer:
    server = LeaseServer()
    server.leave()
    return server


@pytest.fixture
def first(server: LeaseServer) -> Replica:
    return Replica(server, "first")


@pytest.fixture
def second(server: LeaseServer) -> Replica:
    return Replica(server, "second")
