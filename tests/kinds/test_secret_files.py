"""Files with the whole login, read back by those who read such files."""

import json
import subprocess
from collections.abc import Callable, Mapping

import pytest
import yaml

from kinds.hostile import HOSTILE
from kinds.test_secret_presets import login
from kinds.test_secret_template import properties_read
from managed_databases.kinds.login_keys import login_keys
from managed_databases.kinds.secret_files import FileFormat, file_of

KINDS = ("postgresql", "mysql", "redis", "kafka")


def of_properties(text: str) -> Mapping[str, str]:
    lines = (line.partition("=") for line in text.splitlines())
    return {key: properties_read(value) for key, _, value in lines}


READERS: Mapping[FileFormat, Callable[[str], Mapping[str, str]]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "properties": of_properties,
}


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_has_the_login_as_it_is(format_: FileFormat, kind: str) -> None:
    for password in HOSTILE:
        told = login(kind, password)
        expected = {key: value for key, value in login_keys(told).items() if key != "certificates"}
        assert READERS[format_](file_of(format_, told)) == expected | {"password": password}


@pytest.mark.parametrize("kind", KINDS)
def test_a_shell_reads_an_env_file(kind: str) -> None:
    for password in HOSTILE:
        text = file_of("env", login(kind, password), "DB_")
        script = f'{text}printf \'%s|%s|%s\' "$DB_PASSWORD" "$DB_USERNAME" "$DB_CA_CRT"'
        said = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
        assert said.stdout.decode(errors="surrogateescape") == f"{password}|app|PEM"
    names = {line.partition("=")[0] for line in file_of("env", login(kind)).splitlines()}
    assert {"HOST", "PORT", "PASSWORD", "CA_CRT"} <= names
