"""Specs that together say every field of each kind at least once."""

from typing import Any

from pydantic.alias_generators import to_camel

from kube.crd_samples import OTHER_UUID, UUID
from managed_databases.kinds.registry import cloud_kinds, kinds

Spec = dict[str, Any]

_CLOUD: Spec = {
    "adoption": "IfExists",
    "deletionPolicy": "Retain",
    "driftPolicy": "Report",
    "pollSeconds": 60,
    "deletionProtection": True,
}
_NAMED: Spec = {"datastoreRef": {"name": "main", "namespace": "elsewhere"}}
_BY_ID: Spec = {"datastoreRef": {"id": UUID}, "projectRef": {"name": "team"}}
_DATABASE: Spec = {"databaseRef": {"name": "shop"}}
_USER: Spec = {"userRef": {"name": "app"}}
_ENGINE: Spec = {"subnetID": UUID, "engine": {"type": "postgresql", "version": "16"}}
_COLLECTIONS = {kind.collection.name for kind in cloud_kinds(kinds()).values()}

FULL: dict[str, tuple[Spec, ...]] = {
    "DatabaseProject": (
        {
            "region": "ru-3",
            "credentialsSecretRef": {"name": "cloud"},
            "identityURL": "https://cloud.example/identity/v3",
            "endpoint": "https://cloud.example/v1",
            "projectID": "0" * 32,
            "default": True,
            "allowedNamespaces": [
                {"name": "*", "powers": ["adopt", "metrics"], "namePrefix": "{namespace}-"},
                {"selector": {"matchLabels": {"team": "shop"}}, "powers": []},
            ],
            "namePrefix": "east-",
            "caCertificate": {"name": "ca", "key": "root.crt"},
            "ports": dict.fromkeys(("postgresql", "postgresqlPooler", "mysql", "redis", "kafka"), 1000),
            "pollSeconds": 60,
            "pollSecondsOf": dict.fromkeys((to_camel(name.replace("-", "_")) for name in _COLLECTIONS), 60),
        },
    ),
    "ManagedDatastore": (
        _CLOUD
        | _ENGINE
        | {
            "projectRef": {"name": "team"},
            "name": "orders",
            "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32, "diskType": "local"},
            "disk": {"type": "local", "sizeGB": 32},
            "nodeCount": 3,
            "config": {"work_mem": 4096},
            "pooler": {"mode": "session", "size": 30},
            "securityGroups": [UUID],
            "firewall": ["192.0.2.0/24"],
            "floatingIPs": {"master": True, "replicas": 1},
            "logExport": {"logGroup": "s/dbaas/orders"},
            "backupRetentionDays": 7,
            "restore": {
                "datastoreRef": {"name": "old", "namespace": "elsewhere"},
                "targetTime": "2026-01-31T12:00:00Z",
            },
            "changePolicy": "Approve",
            "allowedNamespaces": ["shop"],
            "guestRights": [
                {"namespace": "shop", "restore": True, "topicPrefix": "shop-", "databases": ["orders"], "roles": ["r"]},
            ],
        },
        {
            "subnetID": UUID,
            "engine": {"type": "redis", "version": "7"},
            "flavor": {"name": "small"},
            "redis": {
                "passwordSecretRef": {"name": "given", "key": "redis"},
                "secretName": "cache",
                "onUnknownPassword": "Reset",
            },
        },
        _ENGINE | {"flavor": {"id": UUID}, "restore": {"datastoreRef": {"id": OTHER_UUID}}},
    ),
    "ManagedDatabase": (
        _CLOUD | _NAMED | {"name": "shop", "ownerRef": {"name": "app"}, "lcCollate": "C", "lcCtype": "C"},
        _BY_ID | {"name": "shop", "ownerRef": {"id": UUID}},
    ),
    "DatabaseUser": (
        _CLOUD
        | _NAMED
        | _DATABASE
        | {
            "name": "app",
            "passwordSecretRef": {"name": "given", "key": "app"},
            "secretName": "shop-login",
            "databases": [{"name": "shop"}, {"id": UUID}],
            "access": [{"patternType": "literal", "pattern": "orders", "allowRead": True, "allowWrite": True}],
            "onUnknownPassword": "Reset",
            "roles": ["pg_read_all_data"],
            "settings": {"conn_limit": 20},
        },
        _BY_ID | {"name": "app", "databaseRef": {"id": UUID}},
    ),
    "DatabaseGrant": (
        _CLOUD | _NAMED | _DATABASE | _USER,
        _BY_ID | {"databaseRef": {"id": UUID}, "userRef": {"id": UUID}},
    ),
    "DatabaseExtension": (
        _CLOUD | _NAMED | _DATABASE | {"extension": "pgcrypto"},
        _BY_ID | {"databaseRef": {"id": UUID}, "extension": "cube"},
    ),
    "LogicalReplicationSlot": (
        _CLOUD | _NAMED | _DATABASE | {"name": "warehouse"},
        _BY_ID | {"databaseRef": {"id": UUID}, "name": "warehouse"},
    ),
    "KafkaTopic": (_CLOUD | _NAMED | {"name": "orders", "partitions": 3}, _BY_ID),
    "KafkaACL": (
        _CLOUD
        | _NAMED
        | _USER
        | {"patternType": "literal", "pattern": "orders", "allowRead": True, "allowWrite": True},
        _BY_ID | {"userRef": {"id": UUID}, "patternType": "all", "allowRead": True},
    ),
    "PrometheusMetricsToken": (
        _CLOUD | {"projectRef": {"name": "team"}, "name": "prometheus", "secretName": "scraper"},
    ),
}
