# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, T201
"""Logs in with what is in the environment, and prints who the server says it is. Each function is a consumer."""

import os
import ssl
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

WHO = "SELECT CURRENT_USER"


def psycopg_env():
    """By nothing but the variables of libpq, or by a URI as it is written."""
    import psycopg

    names = ("DATABASE_URL", "URL")
    uri = next((os.environ[name] for name in names if name in os.environ), "")
    with psycopg.connect(uri, connect_timeout=10) as connection:
        return connection.execute(WHO).fetchone()[0]


def asyncpg_uri():
    import asyncio

    import asyncpg

    async def ask():
        connection = await asyncpg.connect(os.environ["URL"], timeout=10)
        try:
            return await connection.fetchval(WHO)
        finally:
            await connection.close()

    return asyncio.run(ask())


def psycopg_keys():
    """By HOST, PORT, ..., with the certificate beside the login."""
    import psycopg

    env = os.environ
    with psycopg.connect(
        host=env["HOST"],
        port=env["PORT"],
        user=env["USERNAME"],
        password=env["PASSWORD"],
        dbname=env["DATABASE"],
        sslmode="verify-full",
        sslrootcert=sys.argv[2],
        connect_timeout=10,
    ) as connection:
        return connection.execute(WHO).fetchone()[0]


def psycopg_files():
    """By the files of the mounted Secret, each a key."""
    import psycopg

    folder = Path(sys.argv[2])
    read = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    with psycopg.connect(
        host=read["host"],
        port=read["port"],
        user=read["username"],
        password=read["password"],
        dbname=read["database"],
        sslmode=read["sslmode"],
        sslrootcert=str(folder / read["sslrootcert"]),
        connect_timeout=10,
    ) as connection:
        return connection.execute(WHO).fetchone()[0]


def psycopg_json():
    """By one file of the mounted Secret."""
    import json

    import psycopg

    folder = Path(sys.argv[2])
    read = json.loads((folder / "login.json").read_text())
    names = {"host": "host", "port": "port", "username": "user", "password": "password", "database": "dbname"}
    told = {of_psycopg: read[name] for name, of_psycopg in names.items()}
    with psycopg.connect(sslmode=read["sslmode"], sslrootcert=str(folder / read["sslrootcert"]), **told) as connection:
        return connection.execute(WHO).fetchone()[0]


def pymysql_keys():
    env = os.environ
    return _pymysql(env["HOST"], env["PORT"], env["USERNAME"], env["PASSWORD"], env["DATABASE"])


def pymysql_uri():
    uri = urlsplit(os.environ["URL"])
    return _pymysql(uri.hostname, uri.port, unquote(uri.username), unquote(uri.password), uri.path.lstrip("/"))


def _pymysql(host, port, user, password, database):
    import pymysql

    context = ssl.create_default_context(cafile=sys.argv[2])
    with pymysql.connect(
        host=host, port=int(port), user=user, password=password, database=database, ssl=context
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(WHO)
        return cursor.fetchone()[0]


def redis_url():
    import redis

    names = ("REDIS_URL", "URL", "CACHE_URL")
    url = next(os.environ[name] for name in names if name in os.environ)
    told = {} if "ssl_ca_certs" in url else {"ssl_ca_certs": sys.argv[2]}
    return _kept(redis.Redis.from_url(url, **told))


def redis_keys():
    import redis

    prefix = "REDIS_" if "REDIS_HOST" in os.environ else ""
    env = {name.removeprefix(prefix): value for name, value in os.environ.items()}
    return _kept(
        redis.Redis(
            host=env["HOST"],
            port=int(env["PORT"]),
            username=env["USERNAME"],
            password=env["PASSWORD"],
            ssl=True,
            ssl_ca_certs=sys.argv[2],
        )
    )


def _kept(client):
    client.set("python", "7")
    return client.get("python").decode()


def kafka_env():
    env = os.environ
    return _sent(
        {
            "bootstrap.servers": env["BOOTSTRAP_SERVERS"],
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": env["USERNAME"],
            "sasl.password": env["PASSWORD"],
            "ssl.ca.location": sys.argv[2],
        }
    )


def _sent(told):
    from confluent_kafka import Producer

    heard = []
    producer = Producer(told | {"message.timeout.ms": 20_000})
    producer.produce("orders", b"7", callback=lambda error, message: heard.append(error or message.topic()))
    producer.flush(30)
    return heard[0]


def sqlalchemy():
    from sqlalchemy import create_engine, text

    with create_engine(os.environ["SQLALCHEMY_DATABASE_URI"]).connect() as connection:
        return connection.execute(text(WHO)).scalar()


def dj_database_url():
    import dj_database_url

    return _django(dj_database_url.config())


def django_environ():
    import environ

    return _django(environ.Env().db())


def _django(database):
    from django.conf import settings
    from django.db import connection

    settings.configure(DATABASES={"default": database})
    with connection.cursor() as cursor:
        cursor.execute(WHO)
        return cursor.fetchone()[0]


def django_cache():
    from django.conf import settings
    from django.core.cache import cache

    backend = "django.core.cache.backends.redis.RedisCache"
    settings.configure(CACHES={"default": {"BACKEND": backend, "LOCATION": os.environ["CACHE_URL"]}})
    cache.set("python", "7")
    return cache.get("python")


print(globals()[sys.argv[1]]())
