"""The policy for what is asked inline, as a value; tests/stories/test_confused_deputy.py asks a real API server."""

from managed_databases.kinds.database_user import KIND
from managed_databases.kinds.database_user_spec import DatabaseUserSpec
from managed_databases.kinds.inline_grants import INLINE
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.inline_guard import inline_policies


def test_each_field_asks_for_the_right_to_create_its_kind() -> None:
    policy, binding = inline_policies(kinds().values())
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
    expressions = [each["expression"] for each in policy["spec"]["validations"]]
    needs = INLINE | {"roles": "DatabaseGrant"}
    for (field, kind), expression in zip(sorted(needs.items()), expressions, strict=True):
        asked = f"resource('{kinds()[kind].plural}').namespace(request.namespace).check('create').allowed()"
        assert expression.endswith(f"|| authorizer.group('manageddatabases.io').{asked}")
        assert f"object.spec.{field}" in expression
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == ([KIND.plural], ["CREATE", "UPDATE"])


def test_no_kind_is_made_inline_that_the_policy_does_not_know() -> None:
    owners = [kind.name for kind in cloud_kinds(kinds()).values() if kind.owned_kinds]
    assert owners == [KIND.name]
    # A second user is for whoever may write users anyway.
    assert {*INLINE.values()} == {*KIND.owned_kinds} - {KIND.name}
    assert {*INLINE} <= {*DatabaseUserSpec.model_fields}


def test_without_users_there_is_nothing_to_ask() -> None:
    assert inline_policies(kind for kind in kinds().values() if kind.name != KIND.name) == []
