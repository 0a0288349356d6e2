"""What an answer of the API server means to the operator."""

import json

import pytest

from managed_databases.kube.refusals import error_for
from managed_databases.reconcile.ports import (
    AlreadyThere,
    KubeError,
    KubeForbidden,
    KubeNotLoggedIn,
    KubeRefused,
    KubeUnreachable,
    NotThere,
    WriteConflict,
)

POLICY = "secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not like this"
WEBHOOK = 'admission webhook "w.example" denied the request: not like this'
NOBODY = 'Internal error occurred: failed calling webhook "w.example": failed to call webhook: connection refused'


@pytest.mark.parametrize(
    ("why", "code", "reason", "message", "error"),
    [
        ("there is none", 404, "NotFound", 'secrets "a" not found', NotThere),
        ("there is one", 409, "AlreadyExists", 'secrets "a" already exists', AlreadyThere),
        ("somebody was faster", 409, "Conflict", "the object has been modified", WriteConflict),
        ("a missing right", 403, "Forbidden", 'secrets is forbidden: User "jane" cannot list resource', KubeForbidden),
        ("a quota", 403, "Forbidden", "exceeded quota: full", KubeRefused),
        ("an immutable Secret", 422, "Invalid", "field is immutable when `immutable` is set", KubeRefused),
        ("a token that is not taken", 401, "Unauthorized", "Unauthorized", KubeNotLoggedIn),
        ("it has much to do", 429, "TooManyRequests", "please try again later", KubeUnreachable),
        ("it is starting", 503, "ServiceUnavailable", "", KubeUnreachable),
        ("a defect of it", 500, "InternalError", "Internal error occurred: etcd is away", KubeUnreachable),
        *(
            (f"whoever writes an admission rule chooses the code: {code}", code, "Any", message, KubeRefused)
            for message in (POLICY, WEBHOOK)
            for code in (400, 401, 403, 404, 409, 413, 422, 429, 500)
        ),
        ("a webhook that nobody answers for", 500, "InternalError", NOBODY, KubeRefused),
    ],
)
def test_an_answer(why: str, code: int, reason: str, message: str, error: type[KubeError]) -> None:
    content = json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()
    told = error_for("POST /secrets", code, content)
    assert type(told) is error, why
    assert message in str(told)


def test_a_page_of_a_proxy_is_no_refusal_of_an_admission() -> None:
    assert type(error_for("POST /secrets", 500, WEBHOOK.encode())) is KubeUnreachable
