"""The sandbox answers as its OpenAPI description says, whatever is asked.

Each request that schemathesis makes up is sent as it is, and once more with ids of what is there, so that it gets
beyond "not found". The sandbox is in this process and in manual mode; what is asked for is the same in every run.
"""

import asyncio
import json
from functools import cache
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from managed_databases.sandbox.openapi import openapi
from managed_databases.sandbox.routes import ROUTES
from managed_databases.sandbox.server import Sandbox
from managed_databases.sandbox.settings import Settings
from sandbox.account import account_of
from sandbox.test_golden import DATABASE, HEIR, POSTGRESQL, USER, there

ANSWERS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CHECKS = [*ANSWERS, negative_data_rejection, unsupported_method]

ROOT = "http://sandbox.test"

IDS = {
    "datastore_id": POSTGRESQL,
    "database_id": DATABASE,
    "user_id": USER,
    "owner_id": HEIR,
    "instance_id": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbb1",
}


def test_every_route_is_described_and_every_reference_leads_somewhere() -> None:
    described = openapi()
    assert sum(len(path) for path in described["paths"].values()) == len(ROUTES)
    operations = [one["operationId"] for path in described["paths"].values() for one in path.values()]
    assert len(set(operations)) == len(operations)
    text = json.dumps(described)
    for name in described["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


schema = schemathesis.openapi.from_dict(
    openapi(),
    config=schemathesis.Config.from_dict(
        {"generation": {"allow-extra-parameters": False, "with-security-parameters": False}}
    ),
)


@cache
def sandbox() -> tuple[Sandbox, str]:
    """Return a sandbox with everything in it, and a token. No change ever ends: it stays that full."""

    async def fill() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url=ROOT) as http:
            account = await account_of(http)
            for collection, told in there():
                await account.admin("create", collection=collection, body=told)
            return account.token

    made = Sandbox(settings=Settings(manual=True))
    return made, asyncio.run(fill())


def answer_to(case: schemathesis.Case[Any]) -> httpx.Response:
    application, token = sandbox()
    told = case.as_transport_kwargs(base_url=ROOT, headers={"X-Auth-Token": token})
    sent = {name: told[name] for name in ("method", "url", "params", "headers", "json") if name in told}
    request = httpx.Request(**sent, content=told.get("data"))

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application)) as http:
            return await http.send(request)

    return asyncio.run(send())


@schema.parametrize()
@settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: schemathesis.Case[Any]) -> None:
    checks = ANSWERS if case.method == "GET" else CHECKS  # a filter may say anything
    case.validate_response(answer_to(case), checks=checks)
    section = case.path.split("/")[2]
    if case.path_parameters and section in (known := {name: told["id"] for name, told in there()}):
        case.path_parameters["id"] = known[section]
    case.body = with_known_ids(case.body)
    case.validate_response(answer_to(case), checks=ANSWERS)


def with_known_ids(body: Any) -> Any:
    """Return the body with ids of what is there in all fields that are for such."""
    if isinstance(body, dict):
        return {name: IDS.get(name) or with_known_ids(told) for name, told in body.items()}
    return [with_known_ids(one) for one in body] if isinstance(body, list) else body
