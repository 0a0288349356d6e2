import pytest

from kinds.builders import datastore
from managed_databases.api.models import Instance
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kinds.datastore_endpoints import Endpoints, PublicHosts, chosen, endpoints, is_public

PORTS = PortNumbers()


def test_one_node_is_one_host() -> None:
    found = endpoints(datastore(), ("postgresql", "16"), PORTS)
    assert found == Endpoints(("master.example",), "master.example", None, 5432, 5433)


def test_several_nodes_the_writable_one_first_and_replicas_in_their_order() -> None:
    connection = {"replica-10": "r10", "replica-2": "r2", "MASTER": "m", "master": "m"}
    found = endpoints(datastore(connection=connection), ("postgresql", "16-1C"), PORTS)
    assert found == Endpoints(("m", "r2", "r10"), "m", "r2", 5432, None)


@pytest.mark.parametrize("told", [None, datastore(connection=None), datastore(connection={})])
def test_what_is_not_known_is_left_out(told: object) -> None:
    assert endpoints(told, None, PORTS) == Endpoints()  # type: ignore[arg-type]


BOTH = Endpoints(("m", "r"), "m", "r", 5432, 5433)


@pytest.mark.parametrize(
    ("where", "endpoint", "address"),
    [
        (BOTH, None, ("m", 5432)),
        (BOTH, "ReadWrite", ("m", 5432)),
        (BOTH, "ReadOnly", ("r", 5432)),
        (BOTH, "Pooler", ("m", 5433)),
        (Endpoints(("m",), "m", None, 5432, 5433), "ReadOnly", ("m", 5432)),
        (Endpoints(("m",), "m", None, 5432, None), "Pooler", ("m", 5432)),
    ],
)
def test_the_endpoint_that_the_spec_chooses(where: Endpoints, endpoint: str | None, address: tuple[str, int]) -> None:
    found = chosen(where, endpoint)
    assert (found.read_write, found.port) == address
    assert (found.hosts, found.read_only, found.pooler_port) == (where.hosts, where.read_only, where.pooler_port)


@pytest.mark.parametrize(
    ("held", "read_write", "read_only"),
    [
        ({"host": "m"}, "m", None),
        ({"host": "m", "hosts": "m,r", "read-only-host": "r"}, "m", "r"),
        ({"host": "r", "hosts": "m,r", "read-only-host": "r"}, "m", "r"),
        ({"hosts": "r,s", "read-only-host": "r"}, None, "r"),
        ({"host": "m", "bootstrap-servers": "m:9093"}, "m", None),
        ({"type": "postgresql"}, None, None),
    ],
)
def test_the_hosts_that_a_secret_tells(held: dict[str, str], read_write: str | None, read_only: str | None) -> None:
    found = endpoints(None, ("postgresql", "16"), PORTS, held)
    assert (found.read_write, found.read_only) == (read_write, read_only)


def node(role: str, name: str, public: str | None) -> Instance:
    return Instance(id=name, ip="10.0.0.1", floating_ip=public, role=role, role_name=name)


M, R2, R10 = node("MASTER", "master", "203.0.113.1"), node("REPLICA", "replica-2", "203.0.113.2"), "replica-10"
NODES = (node("REPLICA", R10, "203.0.113.10"), R2, M)
CONNECTION = {"master": "m", "replica-2": "r2", R10: "r10"}
PUBLIC = ("203.0.113.1", "203.0.113.2", "203.0.113.10")


def test_public_addresses_of_the_nodes_the_writable_one_first() -> None:
    found = endpoints(datastore(connection=CONNECTION, instances=NODES), ("postgresql", "16"), PORTS)
    assert found.hosts == ("m", "r2", "r10"), "the names stay what they are"
    assert found.public == PublicHosts(PUBLIC, PUBLIC[0], PUBLIC[1])


@pytest.mark.parametrize(
    ("why", "instances", "endpoint", "address", "host", "hosts"),
    [
        ("not asked for", NODES, None, None, "m", ("m", "r2", "r10")),
        ("asked for the other", NODES, None, "Private", "m", ("m", "r2", "r10")),
        ("all", NODES, None, "Public", PUBLIC[0], PUBLIC),
        ("a replica", NODES, "ReadOnly", "Public", PUBLIC[1], PUBLIC),
        ("the pooler", NODES, "Pooler", "Public", PUBLIC[0], PUBLIC),
        ("only the master", (M,), "ReadOnly", "Public", PUBLIC[0], PUBLIC[:1]),
        ("only a replica", (R2,), "ReadOnly", "Public", PUBLIC[1], PUBLIC[1:2]),
        ("only a replica, for writing", (R2,), None, "Public", "m", ("m", "r2", "r10")),
        ("none", (node("MASTER", "master", None),), None, "Public", "m", ("m", "r2", "r10")),
        ("no nodes", (), None, "Public", "m", ("m", "r2", "r10")),
    ],
)
def test_the_address_that_the_spec_chooses(
    why: str, instances: tuple[Instance, ...], endpoint: str | None, address: str | None, host: str, hosts: tuple[str]
) -> None:
    where = endpoints(datastore(connection=CONNECTION, instances=instances), ("postgresql", "16"), PORTS)
    found = chosen(where, endpoint, address)
    assert (found.read_write, found.hosts) == (host, hosts), why
    assert found.port == (5433 if endpoint == "Pooler" else 5432), why
    assert is_public(found) == host.startswith("203."), why


@pytest.mark.parametrize(
    ("why", "told", "held", "public"),
    [
        ("not told: it stays", {"connection": CONNECTION}, {"host": PUBLIC[0]}, PublicHosts(PUBLIC[:1], PUBLIC[0])),
        (
            "of the nodes no address is told: it stays",
            {"connection": CONNECTION, "instances": (Instance(id="1", role="MASTER"),)},
            {"host": PUBLIC[0]},
            PublicHosts(PUBLIC[:1], PUBLIC[0]),
        ),
        ("the Secret has the names", {"connection": CONNECTION}, {"host": "m", "hosts": "m,r2"}, PublicHosts()),
        ("nothing is told at all", {"connection": None}, {"host": "m", "hosts": "m,r2"}, PublicHosts()),
        (
            "it is told that there is none",
            {"instances": (node("MASTER", "m", None),)},
            {"host": PUBLIC[0]},
            PublicHosts(),
        ),
    ],
)
def test_a_public_address_that_is_not_told(
    why: str, told: dict[str, object], held: dict[str, str], public: PublicHosts
) -> None:
    assert endpoints(datastore(**told), ("postgresql", "16"), PORTS, held).public == public, why
