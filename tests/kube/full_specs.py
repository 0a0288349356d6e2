"""Specs that together say every field of each kind at least once."""

from typing import Any

from pydantic.alias_generators import to_camel

from kind_examples import examples_of
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
_CREDENTIALS: dict[str, Any] = {
    "labels": {"team": "shop"},
    "annotations": {"example.com/reader": "shop"},
    "tls": "verify-full",
    "mountPath": "/etc/database",
    "endpoint": "ReadWrite",
    "address": "Public",
    "presets": ["env"],
    "keyPrefix": "SHOP_",
    "template": {"shop.conf": "password={{ password | json }}"},
    "format": {"login.json": "json"},
    "copies": [
        {
            "name": "shop-login-web",
            "namespace": "web",
            "labels": {"team": "web"},
            "presets": ["libpq"],
            "keyPrefix": "DB_",
            "endpoint": "ReadOnly",
            "mountPath": "/etc/web",
        }
    ],
}
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
            "probe": True,
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
            "probe": True,
            "service": {"name": "main"},
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
            "credentials": _CREDENTIALS | {"name": "cache"},
            "rolloutRestart": [{"kind": "Deployment", "name": "shop"}, {"selector": {"matchLabels": {"a": "b"}}}],
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
            "credentials": _CREDENTIALS | {"name": "shop-login"},
            "databases": [{"name": "shop"}, {"id": UUID}],
            "access": [{"patternType": "literal", "pattern": "orders", "allowRead": True, "allowWrite": True}],
            "probe": True,
            "rolloutRestart": [{"kind": "Deployment", "name": "shop"}, {"selector": {"matchLabels": {"a": "b"}}}],
            "onUnknownPassword": "Reset",
            "roles": ["pg_read_all_data"],
            "settings": {"conn_limit": 20},
        },
        _BY_ID | {"name": "app", "databaseRef": {"id": UUID}, "rotation": {"everyDays": 30}},
        _NAMED | {"rotation": {"schedule": "0 3 * * SUN", "strategy": "TwoUsers", "keepOldFor": "1h"}},
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
for _name, _kind in cloud_kinds(kinds()).items():  # every option is in the examples, but for references to elsewhere
    if _name not in FULL:
        FULL[_name] = tuple(
            each["spec"] | _CLOUD | place
            for each in examples_of(_name)
            for place in ((_NAMED, _BY_ID) if _kind.is_inside else ({"projectRef": {"name": "team"}},))
        )
