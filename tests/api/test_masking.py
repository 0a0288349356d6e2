import base64
import json
import re
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.hostile_answers import seconds_of_a_piece
from managed_databases.api.masking import MASK, MAX_SECRET_LENGTH, WITHHELD, Masks, forms, proxy_passwords, secrets_in
from managed_databases.api.models import ConfigChange, NewDatastore, NewUser

texts = st.text(max_size=60)
secrets = st.text(min_size=1, max_size=40)


@given(before=texts, secret=secrets, after=texts, data=st.data())
@example(before="a", secret="*", after="**", data=None)
@example(before="aa", secret="a*", after="*", data=None)
def test_no_form_of_a_secret_is_left(before: str, secret: str, after: str, data: st.DataObject | None) -> None:
    form = secret if data is None else data.draw(st.sampled_from(sorted(forms(secret))))
    masked = Masks([SecretStr(secret)]).apply(before + form + after)
    assert not any(form in masked for form in forms(secret)) or masked == WITHHELD


@given(text=texts)
def test_without_secrets_nothing_changes(text: str) -> None:
    assert Masks([]).apply(text) == text


PASSWORD = "p\"a's\\s/w örd+1"


@pytest.mark.parametrize(
    ("why", "echo"),
    [
        ("as it is", PASSWORD),
        ("in JSON, ASCII only", json.dumps(PASSWORD)),
        ("in JSON, not only ASCII", json.dumps(PASSWORD, ensure_ascii=False)),
        ("in a Python message", f"{PASSWORD!r} is too long"),
        ("in a Python dict", f"Validation failure: { ({'user.password': f'{PASSWORD!r} is too long'})!r}"),
        ("as Python bytes", repr(PASSWORD.encode())),
        ("in JSON in JSON", json.dumps(json.dumps(PASSWORD))),
        ("in an address", quote(PASSWORD, safe="")),
        ("in an address, lower-case digits", quote(PASSWORD).lower()),
        ("in a form", quote_plus(PASSWORD)),
        ("in base64", base64.b64encode(PASSWORD.encode()).decode()),
        ("in base64 for addresses", base64.urlsafe_b64encode(PASSWORD.encode()).decode()),
    ],
)
def test_each_spelling_is_masked_whole(why: str, echo: str) -> None:
    masked = Masks([SecretStr(PASSWORD)]).apply(f"<{echo}>")
    assert MASK in masked, why
    assert "rd+1" not in masked, why
    assert "rd 1" not in masked, why


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
def test_base64_of_a_longer_text_is_masked(before: str) -> None:
    echo = base64.b64encode(f"{before}{'correct horse battery'}!".encode()).decode()
    masked = Masks([SecretStr("correct horse battery")]).apply(echo)
    assert len(masked) < 16, "only a few characters at the two ends may stay"


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00\x01binary", "é".encode() + b"\xe9 latin"])
def test_bytes_that_are_no_text_are_masked_in_base64(raw: bytes) -> None:
    echo = base64.b64encode(raw).decode()
    assert Masks([SecretStr(raw.decode(errors="surrogateescape"))]).apply(f"<{echo}>") == f"<{MASK}>"
    assert forms("\ud800") >= {"\ud800"}, "a surrogate that stands for no byte"


def test_overlapping_occurrences_leave_no_rest() -> None:
    assert Masks([SecretStr("abca")]).apply("xabcabcay") == f"x{MASK}y"


def test_secrets_are_found_at_any_depth() -> None:
    user = NewUser(name="app", datastore_id="1", password=SecretStr("one"))
    redis = NewDatastore(name="r", type_id="1", subnet_id="1", node_count=1, redis_password=SecretStr("two"))
    config = ConfigChange(config={"plain": 1, "list": [{"deep": SecretStr("three")}]})
    assert [s.get_secret_value() for body in (user, redis, config) for s in secrets_in(body)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("address", "passwords"),
    [
        ("http://somebody:p%40ss@proxy.example:3128", ["p%40ss", "p@ss"]),
        ("somebody:secret@proxy.example:3128", ["secret"]),
        ("socks5://somebody:a:b@[::1]:1080", ["a:b"]),
        ("http://somebody@proxy.example:3128", []),
        ("http://proxy.example:3128", []),
        ("http://somebody:secret@proxy.example:none", ["secret"]),
    ],
)
def test_the_passwords_of_proxies(address: str, passwords: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", address)
    assert [each.get_secret_value() for each in proxy_passwords()] == passwords


def test_the_masks_themselves_do_not_show() -> None:
    assert "hidden" not in repr(Masks([SecretStr("hidden")]))


@given(text=st.text("ab", max_size=40), secret=st.text("ab", min_size=1, max_size=6))
@example("aabaabaab", "aabaab")
def test_all_that_overlaps_is_masked_as_if_each_place_was_looked_at(text: str, secret: str) -> None:
    secret += "!"
    text = text.replace("b", "b!")
    hidden = [
        any(text.startswith(secret, at) for at in range(max(n - len(secret) + 1, 0), n + 1)) for n in range(len(text))
    ]
    runs = "".join(char if not masked else "\0" for char, masked in zip(text, hidden, strict=True))
    expected = re.sub("\0+", MASK, runs)
    assert Masks([SecretStr(secret)]).apply(text) == expected


@given(text=st.text("ab", max_size=60), most=st.integers(0, 60))
def test_what_is_cut_shows_no_beginning_of_a_secret(text: str, most: int) -> None:
    secret = "abba"
    masked = Masks([SecretStr(secret)]).apply(text, most)
    whole = Masks([SecretStr(secret)]).apply(text)
    assert whole.startswith(masked.removesuffix(MASK))
    assert "abba" not in masked


def test_a_secret_that_goes_on_behind_the_cut_is_masked() -> None:
    assert Masks([SecretStr("correct horse battery")]).apply("so: correct horse battery!", 12) == f"so: {MASK}"


def test_of_a_secret_that_is_too_long_nothing_is_looked_for() -> None:
    longest = Masks([SecretStr("ab" * (MAX_SECRET_LENGTH // 2))])
    assert longest.apply("a message") == "a message"
    assert Masks([SecretStr("a" * (MAX_SECRET_LENGTH + 1))]).apply("a message") == WITHHELD
    assert Masks([SecretStr("a" * (MAX_SECRET_LENGTH + 1))]).apply("") == ""


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a" * 250 + '"', "a" * 64_000),
        ("a" * MAX_SECRET_LENGTH, "a" * 64_000),
        ("a" * (MAX_SECRET_LENGTH - 1) + "b", "a" * 64_000),
        ("ab" * 120, "ab" * 32_000),
        ("a" * 60 + "b" + "a" * 60, "a" * 64_000),
        ('"' * MAX_SECRET_LENGTH, "\\" * 64_000),
    ],
    ids=range(6),
)
def test_time_grows_with_the_text_and_no_faster(secret: str, text: str) -> None:
    """CPU of this thread, in pieces of work of 0.6 ms or so; the search from each place took seconds."""
    before = [seconds_of_a_piece() for _ in range(5)]
    began = time.thread_time()
    Masks([SecretStr(secret)]).apply(text, 8_000)
    taken = time.thread_time() - began
    assert taken < 150 * max([*before, *(seconds_of_a_piece() for _ in range(5))])
