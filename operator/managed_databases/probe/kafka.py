"""Logs in to Kafka by SCRAM-SHA-512."""

import logging
import ssl

from aiokafka import conn

from managed_databases.probe import scram
from managed_databases.probe.login import Login

scram.bound(conn)

# It tells of each login, and of each server that talks nonsense: what came of a probe is said in the resource's status.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)


async def log_in(login: Login, user: str, password: str, context: ssl.SSLContext) -> None:
    """Log in and out again. Raises whatever aiokafka does, and OSError."""
    connection = await conn.create_conn(
        login.host,
        login.port,
        client_id="managed-databases-operator-probe",
        ssl_context=context,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=user,
        sasl_plain_password=password,
    )
    connection.close()
