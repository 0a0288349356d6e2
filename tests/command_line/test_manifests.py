"""What is read from files, folders and lists."""

import io
from pathlib import Path

import pytest

from managed_databases.command_line.manifests import read_manifests
from managed_databases.command_line.problems import BadUsage
from managed_databases.reconcile.ports import ResourceKey

TOP = Path(__file__).parents[2]
OURS = "apiVersion: manageddatabases.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n"
TOPIC = OURS.format(kind="KafkaTopic", name="orders")


def test_a_folder_with_all_sorts_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"---\n{TOPIC}---\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\n")
    (tmp_path / "b.json").write_text(
        '{"kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}},'
        '{"apiVersion": "manageddatabases.io/v1alpha1", "kind": "DatabaseProject", "metadata": {"name": "p"}}]}'
    )
    (tmp_path / "README.md").write_text("[")
    found = read_manifests([str(tmp_path)], "shop")
    assert found.resources.keys() == {
        ResourceKey("KafkaTopic", "shop", "orders"),
        ResourceKey("DatabaseProject", "", "p"),
    }
    assert (list(found.secrets), found.others) == ([("n", "s")], 1)


@pytest.mark.parametrize(
    ("why", "text", "told"),
    [
        ("no YAML", "a: [\nb", "line 2: this is not YAML"),
        ("a list", "[1]", "a manifest is a mapping"),
        ("another version", TOPIC.replace("v1alpha1", "v2"), "there is no kind KafkaTopic in manageddatabases.io/v2"),
        ("no such kind", OURS.format(kind="Topic", name="x"), "there is no kind Topic in"),
        ("no name", TOPIC.replace("{name: orders}", "{}"), "a KafkaTopic has no metadata.name"),
        ("no metadata", TOPIC.replace("{name: orders}", "7"), "a KafkaTopic has no metadata.name"),
        ("a spec that is none", TOPIC.replace("{}", "[]"), "the spec of KafkaTopic shop/orders is no mapping"),
        ("a day that is none", TOPIC.replace("{}", "{a: !!timestamp 2026-13-45}"), "this is not YAML"),
        ("very deep", "[" * 5_000, "this is not YAML"),
        ("a number that is too long", TOPIC.replace("{}", "{a: %s}" % ("9" * 5_000)), "this is not YAML"),
        (
            "a namespace of another type",
            TOPIC.replace("{name: orders}", "{name: x, namespace: [a]}"),
            "namespace of the KafkaTopic x",
        ),
        (
            "labels",
            TOPIC.replace("{name: orders}", "{name: x, labels: [a]}"),
            "labels of the KafkaTopic x are no mapping",
        ),
        (
            "a label",
            TOPIC.replace("{name: orders}", "{name: x, labels: {a: 1}}"),
            "labels of the KafkaTopic x are no mapping",
        ),
        (
            "annotations",
            TOPIC.replace("{name: orders}", "{name: x, annotations: y}"),
            "annotations of the KafkaTopic x are",
        ),
        (
            "stringData",
            "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: [a]}",
            "stringData of the Secret s are",
        ),
        ("a date", TOPIC.replace("{}", "{a: !!timestamp 2026-11-29}"), "a value that JSON does not know (date)"),
        ("bytes", TOPIC.replace("{}", "{a: !!binary aGk=}"), "a value that JSON does not know (bytes)"),
        ("a set", TOPIC.replace("{}", "{a: !!set {b, c}}"), "a value that JSON does not know (set)"),
        ("no number", TOPIC.replace("{}", "{a: [.nan]}"), "a value that JSON does not know (float)"),
        ("a great number", TOPIC.replace("{}", "{a: 99999999999999999999}"), "a value that JSON does not know (int)"),
        ("half a character", TOPIC.replace("{}", '{a: "\\ud800"}'), "a value that JSON does not know (str)"),
        ("a key of another type", TOPIC.replace("{}", "{1: a}"), "a key that is no text"),
        ("within itself", TOPIC.replace("{}", "{a: &x [*x]}"), "is too large"),
        ("deep", TOPIC.replace("{}", "{a: %s}" % ("[" * 150 + "]" * 150)), "is too large"),
        (
            "more than memory holds",
            TOPIC.replace(
                "{}", "\n" + "".join(f"  a{n}: &a{n} [{f'*a{n - 1}, ' * 9 if n else 1}]\n" for n in range(20))
            ),
            "is too large",
        ),
        ("twice", f"{TOPIC}---\n{TOPIC}", "KafkaTopic shop/orders is there twice"),
    ],
)
def test_what_cannot_be_read(why: str, text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(BadUsage) as error:
        read_manifests([str(path)], "shop")
    assert str(error.value).startswith(str(path)), why
    assert told in str(error.value), why


def test_places_that_are_none(tmp_path: Path) -> None:
    for place, told in (
        (str(tmp_path / "x"), "there is no file or folder"),
        (str(tmp_path), "has no file that ends with"),
    ):
        with pytest.raises(BadUsage, match=told):
            read_manifests([place], "shop")
    (tmp_path / "latin.yaml").write_bytes("# für".encode("latin-1"))
    with pytest.raises(
        BadUsage, match=r"latin\.yaml cannot be read: it is no text in UTF-8 \(byte 3\); write it as UTF-8"
    ):
        read_manifests([str(tmp_path)], "shop")
    (tmp_path / "latin.yaml").unlink()
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(BadUsage, match=r"folder\.yaml cannot be read: Is a directory"):
        read_manifests([str(tmp_path)], "shop")


def test_what_is_in_two_files(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: orders}\n"
    for text, what in ((TOPIC, "KafkaTopic shop/orders"), (secret, "Secret shop/orders")):
        first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
        for path in (first, second):
            path.write_text(text)
        with pytest.raises(BadUsage) as error:
            read_manifests([str(tmp_path)], "shop")
        assert str(error.value) == (
            f"{second}: {what} is there twice, and in {first}: name with -f the files that belong together"
        )


def test_our_examples_can_be_read() -> None:
    """One file with everything, or the others together: the first one has much of the others in it."""
    folder = TOP / "deploy" / "examples"
    everything = folder / "everything.yaml"
    assert read_manifests([str(everything)], "default").resources
    others = [str(path) for path in folder.glob("*.yaml") if path != everything]
    assert read_manifests(others, "default").resources


def test_a_date_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TOPIC.replace("{}", "{at: 2026-11-29T10:00:00Z, day: 2026-11-29}"))
    found = read_manifests([str(tmp_path)], "shop").resources[ResourceKey("KafkaTopic", "shop", "orders")]
    assert found["spec"] == {"at": "2026-11-29T10:00:00Z", "day": "2026-11-29"}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TOPIC.encode()), encoding="ascii"))
    assert len(read_manifests(["-"], "shop").resources) == 1
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="ascii"))
    with pytest.raises(BadUsage, match="standard input cannot be read: it is no text in UTF-8"):
        read_manifests(["-"], "shop")
