"""Obstacles that keep the operator from writing a Secret at a real API server, and how a story adds and removes them.

An obstacle stands in the way of the user of its name: by the name of that user's Secret, or, if it is for a whole namespace, in a
namespace of its own.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from cluster import Manifest
from stories.world import World

REGISTRATION: Final = "admissionregistration.k8s.io/v1"
SECRETS: Final = [
    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
]


class Obstacle(NamedTuple):
    """`words` are the API server's, as the operator's status must show them."""

    user: str
    namespace: str
    words: str


def obstacles(world: World, quota: str, rights: str, verb: str) -> dict[str, Obstacle]:
    """By the user in whose way they stand; `verb` is what the operator may not do with Secrets in the namespace `rights`."""
    told = (
        Obstacle("policy", world.namespace, "denied request: by our policy"),
        Obstacle("webhook", world.namespace, "failed calling webhook"),
        Obstacle("quota", quota, "exceeded quota: full"),
        Obstacle("rights", rights, f'cannot {verb} resource "secrets"'),
    )
    return {each.user: each for each in told}


async def put_up(world: World, quota: str, rights: str, verb: str) -> None:
    """Return once the API server goes by all of them."""
    await world.apply(
        *_policy(world, "policy", "by our policy"),
        _webhook(world),
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "full", "namespace": quota},
            "spec": {"hard": {"count/secrets": "100"}},
        },
    )
    await _room(world, quota, 0)
    await _may(world, rights, {"get", "create", "patch", "delete", "list", "watch"} - {verb})
    for each in obstacles(world, quota, rights, verb).values():
        if each.namespace == world.namespace:
            await _until_refused(world, each.namespace, f"{each.user}-user", each.words.replace('"', '\\"'))
    await _until_refused(world, quota, "any", "exceeded quota")
    await _until_allowed(world, rights, verb, is_allowed=False)


async def take_away(world: World, quota: str, rights: str, verb: str) -> None:
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        await world.cluster.delete(kind, _name(world, "policy"))
    await world.cluster.delete("ValidatingWebhookConfiguration", _name(world, "webhook"))
    await _room(world, quota, 100)
    await _may(world, rights, {"get", "create", "patch", "delete", "list", "watch"})


def _name(world: World, user: str) -> str:
    return f"{world.namespace}-{user}"


def _condition(world: World, user: str) -> list[dict[str, str]]:
    about = f"request.namespace == '{world.namespace}' && object.metadata.name == '{user}-user'"
    return [{"name": "theirs", "expression": about}]


def _policy(world: World, user: str, message: str) -> tuple[Manifest, Manifest]:
    metadata = {"name": _name(world, user)}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": SECRETS},
        "matchConditions": _condition(world, user),
        "validations": [{"expression": "false", "message": message}],
    }
    binding = {"policyName": metadata["name"], "validationActions": ["Deny"]}
    return (
        {"apiVersion": REGISTRATION, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": policy},
        {"apiVersion": REGISTRATION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding},
    )


def _webhook(world: World) -> Manifest:
    """One that nobody answers for: its port is never listened on."""
    webhook = {
        "name": "nobody.answers.example",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
        "rules": SECRETS,
        "matchConditions": _condition(world, "webhook"),
    }
    return {
        "apiVersion": REGISTRATION,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": _name(world, "webhook")},
        "webhooks": [webhook],
    }


async def _room(world: World, namespace: str, secrets: int) -> None:
    """As the quota controller would find it, which does not run here: so many Secrets may be there, and none is."""
    status = {"hard": {"count/secrets": str(secrets)}, "used": {"count/secrets": "0"}}
    await world.cluster.patch("ResourceQuota", "full", namespace, {"status": status}, "status")


async def _may(world: World, namespace: str, verbs: Iterable[str]) -> None:
    """What the operator may do with Secrets there."""
    role = await world.cluster.get("Role", "operator", namespace)
    others = [rule for rule in role["rules"] if rule["resources"] != ["secrets"]]
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": sorted(verbs)}
    await world.cluster.patch("Role", "operator", namespace, {"rules": [*others, rule]})


async def _until_refused(world: World, namespace: str, name: str, words: str) -> None:
    """The API server learns of what is registered there a moment later."""
    path = f"/api/v1/namespaces/{namespace}/secrets"

    async def is_refused() -> bool:
        if await world.cluster.exists("Secret", name, namespace):
            secret, method, where = await world.cluster.get("Secret", name, namespace), "PUT", f"{path}/{name}"
        else:
            secret, method, where = {"metadata": {"name": name}}, "POST", path
        answer = await world.cluster.http.request(method, where, params={"dryRun": "All"}, json=secret)
        assert words in answer.text, answer.text
        return True

    await world.until(f"Secret {name} in {namespace} is refused", is_refused)


async def _until_allowed(world: World, namespace: str, verb: str, *, is_allowed: bool) -> None:
    attributes = {"namespace": namespace, "verb": verb, "resource": "secrets"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": world.account, "resourceAttributes": attributes},
    }

    async def is_so() -> bool:
        answer = await world.cluster.http.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
        assert answer.json()["status"]["allowed"] is is_allowed, answer.text
        return True

    await world.until(f"{verb} of Secrets in {namespace}: {is_allowed}", is_so)
