"""An example of each kind, from the file of examples that has every option."""

from collections.abc import Mapping
from typing import Final

import yaml

from managed_databases.demo.examples import example

EVERYTHING: Final = "everything.yaml"


def kind_examples() -> Mapping[str, str]:
    """Return for each kind the manifest with the most fields, as it is written, comments included."""
    fullest: dict[str, tuple[int, int, str]] = {}
    for text in example(EVERYTHING).read_text().split("\n---\n"):
        manifest = yaml.safe_load(text)
        of_this = (len(manifest.get("spec", {})), len(text), text.strip())
        fullest[manifest["kind"]] = max(of_this, fullest.get(manifest["kind"], of_this))
    return {kind: _manifest(text) for kind, (_, _, text) in fullest.items()}


def _manifest(text: str) -> str:
    """Leave out what the file says before the manifest."""
    return text[text.index("apiVersion:") :]
