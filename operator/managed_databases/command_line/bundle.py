"""The files of a support bundle. All secrets are masked in each of them, wherever it comes from, right before it is written."""

import io
import posixpath
import re
import tarfile
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from typing import Any, Final

import orjson
from pydantic import SecretStr

from managed_databases.api.masking import MAX_SECRET_LENGTH, Masks, forms
from managed_databases.command_line.bundle_secrets import long_enough
from managed_databases.kinds.shared_fields import UUID_PATTERN
from managed_databases.reconcile.annotations import APPROVE, FLUX_REQUESTED_AT, OF_PEOPLE, OWNED_BY, RECREATE
from managed_databases.visible import all_visible, visible_lines

_SHOWN: Final = frozenset({*OF_PEOPLE, OWNED_BY, FLUX_REQUESTED_AT})
_FORMS: Final = {APPROVE: "[0-9a-f]{12}", RECREATE: UUID_PATTERN.strip("^$")}
LEFT_OUT: Final = "(left out)"
_SHORTEST_LINE: Final = 16
"""Of a secret of many lines, such as a key in PEM, lines that are this long are searched for."""
_PEM_FRAME: Final = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
_PIECE: Final = 8
_TABLE: Final = 2**24

README: Final = """\
A support bundle of managed-databases-operator, of {at}.

It has what the person who made it may read: resources with their statuses, Events, the operator's log and settings, versions.
Of Secrets it has names and keys, and no values. {masked} values of Secrets that this person may read were searched for, in
every spelling, and are *** wherever they stood. Values of annotations that are not the operator's are left out.

{notes}"""


@dataclass
class Bundle:
    """The texts by their file names, and what could not be had."""

    secrets: list[SecretStr] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    has_read: bool = False
    """Whether anything of the cluster could be listed."""

    def add_json(self, name: str, value: Any) -> None:
        self.files[name] = orjson.dumps(all_visible(value), option=orjson.OPT_INDENT_2).decode() + "\n"

    def add_text(self, name: str, text: str) -> None:
        """Add a text; under a name with a number, if another has the name."""
        self.files[_free(name, self.files)] = "\n".join(visible_lines(line) for line in text.splitlines()) + "\n"

    def masked_files(self, at: datetime) -> dict[str, str]:
        """Return all files with all secrets masked, their names as well."""
        secrets = long_enough(self.secrets)
        searched = [one for one in secrets if not _is_long(one)]
        searched += [SecretStr(line) for one in secrets for line in _lines(one)]
        told = "\n".join(f"Not had: {note}" for note in self.notes) + ("\n" if self.notes else "")
        readme = README.format(at=f"{at:%Y-%m-%d %H:%M:%S} UTC", masked=len(secrets), notes=told)
        whole = {"README.txt": readme, **self.files}
        masks = Masks(possible(searched, [*whole, *whole.values()]))  # all at once: one secret may be in another
        whole = _distinct(whole, masks)
        return {masks.apply(name): masks.apply(text) for name, text in sorted(whole.items())}


def _is_long(secret: SecretStr) -> bool:
    return len(secret.get_secret_value()) > MAX_SECRET_LENGTH


def _lines(secret: SecretStr) -> Iterable[str]:
    """Return the lines of a secret, such as a key in PEM, each without the space around it: a text may have them indented, with
    other line ends, or one of them only.
    """
    lines = [line.strip() for line in secret.get_secret_value().splitlines()]
    return [
        line[:MAX_SECRET_LENGTH] for line in lines if len(line) >= _SHORTEST_LINE and _PEM_FRAME.fullmatch(line) is None
    ]


def _free(name: str, taken: Container[str]) -> str:
    """Return the name, with a number before its suffix if it is taken."""
    return next(each for each in _numbered(name) if each not in taken)


def _numbered(name: str) -> Iterator[str]:
    """Yield the name, then the same with a number before its suffix."""
    stem, suffix = posixpath.splitext(name)
    return chain([name], (f"{stem}-{number}{suffix}" for number in count(2)))


def _distinct(files: Mapping[str, str], masks: Masks) -> dict[str, str]:
    """Return the files by names that are distinct also when they are masked."""
    found: dict[str, str] = {}
    shown: set[str] = set()
    for name, text in sorted(files.items()):
        free = next(each for each in _numbered(name) if masks.apply(each) not in shown and each not in found)
        shown.add(masks.apply(free))
        found[free] = text
    return found


def possible(secrets: Iterable[SecretStr], texts: Iterable[str]) -> list[SecretStr]:
    """Return the secrets that may be in one of the texts, in whatever spelling: of all Secrets of a cluster these are few, and
    the search for each of them takes its time.

    Of each eight bytes of the texts a table is kept. A spelling of which some eight bytes are missing there is in no text.
    """
    table = bytearray(_TABLE)
    for text in texts:
        content = text.encode(errors="surrogatepass").lower()
        for at in range(len(content) - _PIECE + 1):
            table[hash(content[at : at + _PIECE]) % _TABLE] = 1
    return [one for one in secrets if _is_possible(one.get_secret_value(), table)]


def _is_possible(secret: str, table: bytearray) -> bool:
    if "*" in secret:
        return True  # a mask may complete it
    for form in forms(secret):
        content = form.encode(errors="surrogatepass").lower()
        pieces = range(len(content) - _PIECE + 1)
        if all(table[hash(content[at : at + _PIECE]) % _TABLE] for at in pieces):
            return True
    return False


def packed(files: Mapping[str, str], folder: str, at: datetime) -> bytes:
    """Return the files as a gzipped archive, in one folder."""
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w:gz") as archive:
        for name, text in files.items():
            content = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at.timestamp())
            archive.addfile(entry, io.BytesIO(content))
    return told.getvalue()


def bare(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object as the API server sends it, without what nobody needs, and without values of others' annotations."""
    metadata = {name: value for name, value in raw.get("metadata", {}).items() if name != "managedFields"}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {
            name: value if _is_shown(name, str(value)) else LEFT_OUT for name, value in sorted(annotations.items())
        }
    return {**raw, "metadata": metadata}


def _is_shown(annotation: str, value: str) -> bool:
    """Return whether the value may be told: of an annotation of the operator's, and of the form that it has."""
    return annotation in _SHOWN and re.fullmatch(_FORMS.get(annotation, ".*"), value) is not None


def only_names(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be told of a Secret: its name, type, labels and owners, and the names of its keys and annotations."""
    metadata = raw.get("metadata", {})
    return {
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name"),
        "uid": metadata.get("uid"),
        "resourceVersion": metadata.get("resourceVersion"),
        "created": metadata.get("creationTimestamp"),
        "type": raw.get("type"),
        "labels": metadata.get("labels") or {},
        "annotations": sorted(metadata.get("annotations") or ()),
        "owners": [owner.get("uid") for owner in metadata.get("ownerReferences") or ()],
        "keys": sorted(raw.get("data") or ()),
    }


def deployment_told(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be told of the operator's Deployment: replicas, images, arguments, and its own settings."""
    containers = raw.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or ()
    return {
        "name": raw.get("metadata", {}).get("name"),
        "status": raw.get("status"),
        "containers": [
            {
                "name": each.get("name"),
                "image": each.get("image"),
                "args": each.get("args"),
                "resources": each.get("resources"),
                "settings": {
                    env["name"]: env.get("value", LEFT_OUT)
                    for env in each.get("env") or ()
                    if env["name"].startswith("MANAGED_DATABASES_")
                },
            }
            for each in containers
        ],
    }
