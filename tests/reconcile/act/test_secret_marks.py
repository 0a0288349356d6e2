import pytest
from pydantic import SecretStr

from managed_databases.reconcile.act.secret_marks import Written, keys_of_others, written_into
from managed_databases.reconcile.annotations import WRITTEN
from managed_databases.reconcile.ports import SecretContent


def secret(annotation: str | None = None, **data: str) -> SecretContent:
    annotations = {} if annotation is None else {WRITTEN: annotation}
    return SecretContent(
        "home", "app", "u", "1", "Opaque", {}, annotations, {key: SecretStr(value) for key, value in data.items()}
    )


def test_what_is_written_is_read() -> None:
    written = Written(frozenset({"b", "a"}), frozenset({"team"}), frozenset({"example.com/x"}))
    text = written.annotation()[WRITTEN]
    assert text == '{"annotations":["example.com/x"],"keys":["a","b"],"labels":["team"]}'
    assert written_into(secret(text)) == written
    assert Written().annotation() == {}


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"keys": "abc"}', '{"keys": [1, null]}', "[" * 100_000])
def test_what_cannot_be_read_names_nothing(text: str | None) -> None:
    assert written_into(secret(text)) == Written()
    assert written_into(None) == Written()


@pytest.mark.parametrize(
    ("why", "held", "others"),
    [
        ("the operator's", secret('{"keys":["a"]}', a="old"), set()),
        ("another's", secret(None, a="x"), {"a"}),
        ("the mark is lost, and the value is the operator's", secret(None, a="wanted"), set()),
        ("of the login", secret(None, host="x"), set()),
    ],
)
def test_whose_a_key_is(why: str, held: SecretContent, others: set[str]) -> None:
    assert keys_of_others(held, {"host"}, {"a": "wanted", "host": "m"}) == others, why
