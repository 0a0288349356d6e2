"""The Secret of each engine's user is complete by itself: an application needs nothing else to connect."""

from typing import Any

from stories.passwords_seen import datastore_id
from stories.world import World, condition

CERTIFICATE = "the provider's certificate"
CONNINFO = "host={{ host }} hostaddr={{ publicHost }} user={{ username }} password={{ password | libpq }}"


async def test_secrets_are_complete(world: World) -> None:
    await world.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "provider", "namespace": world.system},
            "data": {"root.pem": CERTIFICATE},
        }
    )
    await world.operator.start()
    small: dict[str, Any] = {"vcpus": 2, "ramMB": 4096, "diskGB": 32}
    kafka: dict[str, Any] = {"engine": {"type": "kafka", "version": "3.6"}, "flavor": small}
    mysql: dict[str, Any] = {"engine": {"type": "mysql_native", "version": "8"}, "flavor": small, "nodeCount": 2}
    await world.apply(
        world.project_manifest(caCertificate={"name": "provider", "key": "root.pem"}),
        world.datastore(nodeCount=2, pooler={"mode": "transaction", "size": 10}),
        world.database(),
        world.user(databaseRef={"name": "shop"}),
        world.datastore("mysql", **mysql),
        world.user("reader", datastoreRef={"name": "mysql"}),
        world.datastore("kafka", **kafka),
        world.user("producer", datastoreRef={"name": "kafka"}),
    )
    for name in ("app", "reader", "producer"):
        await world.becomes("DatabaseUser", name)
        await world.becomes("DatabaseUser", name, "Synced")
    await world.becomes("ManagedDatabase", "shop")
    usual = {"provider": "managed-databases", "ca.crt": CERTIFICATE, "certificates": CERTIFICATE}

    check = "sslmode=verify-full&sslrootcert=/bindings/app/ca.crt"
    secret, id_ = await world.secret("app-user"), await datastore_id(world, "main")
    password = secret.pop("password")
    master, replica = await hosts(world, id_)
    assert secret == usual | {
        "type": "postgresql",
        "host": master,
        "port": "5432",
        "username": "app",
        "database": "shop",
        "sslmode": "verify-full",
        "sslrootcert": "ca.crt",
        "hosts": f"{master},{replica}",
        "read-only-host": replica,
        "pooler-port": "5433",
        "uri": f"postgresql://app:{password}@{master}:5432/shop?{check}",
        "jdbc-url": f"jdbc:postgresql://{master}:5432/shop?{check}",
    }

    secret, id_ = await world.secret("reader-user"), await datastore_id(world, "mysql")
    password = secret.pop("password")
    master, replica = await hosts(world, id_)
    assert secret == usual | {
        "type": "mysql",
        "host": master,
        "port": "3306",
        "username": "reader",
        "hosts": f"{master},{replica}",
        "read-only-host": replica,
        "uri": f"mysql://reader:{password}@{master}:3306",
        "jdbc-url": f"jdbc:mysql://{master}:3306/?sslMode=VERIFY_IDENTITY&permitMysqlScheme=true",
        "ssl-mode": "VERIFY_IDENTITY",
    }

    secret, id_ = await world.secret("producer-user"), await datastore_id(world, "kafka")
    password = secret.pop("password")
    (master,) = await hosts(world, id_)
    assert secret == usual | {
        "type": "kafka",
        "host": master,
        "port": "9093",
        "username": "producer",
        "bootstrap-servers": f"{master}:9093",
        "bootstrapServers": f"{master}:9093",
        "security-protocol": "SASL_SSL",
        "securityProtocol": "SASL_SSL",
        "sasl-mechanism": "SCRAM-SHA-512",
        "saslMechanism": "SCRAM-SHA-512",
        "user": "producer",
        "jaas-config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="producer" password="{password}";',
    }
    for name, type_ in (("app", "postgresql"), ("reader", "mysql"), ("producer", "kafka")):
        kept = await world.cluster.get("Secret", f"{name}-user", world.namespace)
        assert kept["type"] == f"servicebinding.io/{type_}"
        assert (await world.get("DatabaseUser", name))["status"]["binding"] == {"name": f"{name}-user"}


async def hosts(world: World, id_: str) -> list[str]:
    """The master's first."""
    (datastore,) = [each for each in await world.sandbox.objects("datastores") if each["id"] == id_]
    by_role = {role.lower(): host for role, host in datastore["connection"].items()}
    return [host for _, host in sorted(by_role.items())]


async def test_a_secret_leads_to_the_public_address(world: World) -> None:
    await world.operator.start()
    inside, outside = world.user(credentials={"template": {"conninfo": CONNINFO}}), {"address": "Public"}
    await world.apply(world.project_manifest(), world.datastore(), inside)
    await world.apply(world.user("report", credentials=outside))
    told = await world.becomes("DatabaseUser", "report", "CredentialsIncomplete")
    assert condition(told, "Ready")["status"] == "True"
    named = (await world.secret("report-user"))["host"]
    await world.change("ManagedDatastore", "main", floatingIPs={"master": True})

    async def leads_there() -> str:
        secret = await world.secret("report-user")
        public: str = (await world.get("ManagedDatastore", "main"))["status"]["endpoints"]["publicReadWrite"]
        assert secret["host"] == public
        assert secret["uri"].partition("@")[2] == f"{public}:5432?sslmode=require"
        return public

    public = await world.until("the Secret leads to the public address", leads_there)
    assert not condition(await world.get("DatabaseUser", "report"), "CredentialsIncomplete")

    async def names_both() -> bool:
        return f"host={named} hostaddr={public} " in (await world.secret("app-user"))["conninfo"]

    await world.until("a template has both", names_both)
