import base64
import json
import re
import shlex
from urllib.parse import unquote, unquote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kinds.hostile import HOSTILE
from managed_databases.kinds.application_login import ApplicationLogin
from managed_databases.kinds.datastore_endpoints import Endpoints
from managed_databases.kinds.secret_template import FILTERS, MAX_RESULT, PATTERN, VARIABLES, TemplateRefused, filled

ONE = Endpoints(("m",), "m", None, 5432, None)
LOGIN = ApplicationLogin("postgresql", ONE, "app", "p w", "orders", "verify-full", "/ca.crt", "PEM")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("nothing to fill in", "nothing to fill in"),
        ("{{host}}:{{ port }}", "m:5432"),
        ("{{  username  }}", "app"),
        ("{{ password | url }}", "p%20w"),
        ("{{password|form}}", "p+w"),
        ("{{ password | json | base64 }}", base64.b64encode(b'"p w"').decode()),
        ("{ a: { b } }", "{ a: { b } }"),
        ("{{ tls }} {{ caPath }} {{ caCertificate }} {{ database }}", "verify-full /ca.crt PEM orders"),
        ("a line\n{{ host }}\n", "a line\nm\n"),
        ("}} {{ host }}", "}} m"),
    ],
)
def test_what_a_template_becomes(text: str, result: str) -> None:
    assert filled(text, LOGIN) == result
    assert re.search(PATTERN, text), "the API server takes it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ hosst }}", "variables are"),
        ("{{ password | upper }}", "filters are"),
        ("{{ password | url | url | url }}", "up to two filters"),
        ("{{ password.__class__ }}", "variables are"),
        ("{{ }}", "variables are"),
        ("{{ host", "does not close it"),
        ("{{ host }", "does not close it"),
        ("{{{ host }}}", "variables are"),
        ("{{ {{ host }} }}", "variables are"),
        ("{% for x in y %}{{ x }}", "variables are"),
    ],
)
def test_a_mistake_is_told_without_a_value(text: str, told: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        filled(text, LOGIN)
    assert told in str(refused.value)
    assert "p w" not in str(refused.value)
    assert not re.search(PATTERN, text), "the API server refuses it"


@pytest.mark.parametrize("name", ["readOnlyHost", "poolerPort", "bootstrapServers", "publicHost"])
def test_a_fact_that_there_is_not(name: str) -> None:
    with pytest.raises(TemplateRefused, match=f"needs {name}"):
        filled(f"{{{{ {name} }}}}", LOGIN)


def test_a_result_has_a_bound() -> None:
    login = ApplicationLogin("redis", ONE, "app", "x", ca_certificate="P" * MAX_RESULT, ca_path="/ca.crt")
    assert len(filled("{{ caCertificate }}", login)) == MAX_RESULT
    with pytest.raises(TemplateRefused, match="longer than"):
        filled("{{ caCertificate }}" * 100, login)


def test_a_value_is_not_filled_in_once_more() -> None:
    assert filled("{{ password }}", ApplicationLogin("redis", ONE, "app", "{{ username }}")) == "{{ username }}"


@given(st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=50))
def test_each_filter_gives_back_what_went_in(value: str) -> None:
    login = ApplicationLogin("postgresql", ONE, "app", value)
    of = {name: filled(f"{{{{ password | {name} }}}}", login) for name in FILTERS}
    assert unquote(of["url"]) == value
    assert unquote_plus(of["form"]) == value
    assert json.loads(of["json"]) == json.loads(of["yaml"]) == value
    assert yaml.safe_load(f"p: {of['yaml']}") == {"p": value}
    assert base64.b64decode(of["base64"]).decode() == value
    assert shlex.split(of["shell"]) == [value]
    assert of["ado"][1:-1].replace('""', '"') == value
    assert re.sub(r"\\(.)", r"\1", of["libpq"][1:-1], flags=re.DOTALL) == value
    assert properties_read(of["properties"]) == value


def properties_read(text: str) -> str:
    """Read a value as java.util.Properties does."""
    assert text.isascii()
    escapes = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
    units = re.sub(
        r"\\(?:u([0-9a-f]{4})|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else escapes.get(found[2], found[2]),
        text.lstrip(" "),
    )
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be")


def test_the_pattern_knows_every_variable_and_filter() -> None:
    for name in VARIABLES:
        for each in FILTERS:
            assert re.search(PATTERN, f"{{{{ {name} | {each} }}}}")
