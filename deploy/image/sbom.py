"""The software bill of materials of the image, in CycloneDX 1.6. Runs inside of the build; standard library only.

It lists what is in the image: the Python packages as pip installed them, each with the hash of its wheel, which is one of
those in the lock; who needs whom, as the lock says; Python; and the Debian packages that its files are of.
"""

import json
import platform
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from image.lock import PROJECT, RUN_TIME, Entry

Component = dict[str, Any]


def bill(
    version: str, created: str, report: Mapping[str, Any], lock: Mapping[str, Entry], debian: Iterable[str]
) -> dict[str, Any]:
    """Return the bill of materials. `created` is a time as in RFC 3339, `report` what `pip install --report` wrote, `debian` the
    names of Debian packages, perhaps with their architecture.
    """
    installed = [_wheel(each) for each in report["install"]]
    components = [*installed, _python(), *map(_debian, debian)]
    components.sort(key=lambda one: str(one["bom-ref"]))
    ref = f"pkg:pypi/{PROJECT}@{version}"
    names = {_normal(one["name"]): one["bom-ref"] for one in installed}
    identity = json.dumps([version, created, components], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, identity)}",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "component": {"type": "application", "bom-ref": ref, "name": PROJECT, "version": version, "purl": ref},
        },
        "components": components,
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(names[one] for one in names if RUN_TIME in lock[one].via)},
            *(
                {"ref": names[name], "dependsOn": sorted(names[one] for one in names if name in lock[one].via)}
                for name in sorted(names)
            ),
        ],
    }


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _wheel(told: Mapping[str, Any]) -> Component:
    metadata = told["metadata"]
    ref = f"pkg:pypi/{_normal(metadata['name'])}@{metadata['version']}"
    component: Component = {
        "type": "library",
        "bom-ref": ref,
        "name": metadata["name"],
        "version": metadata["version"],
        "purl": ref,
        "hashes": [{"alg": "SHA-256", "content": told["download_info"]["archive_info"]["hashes"]["sha256"]}],
    }
    if expression := metadata.get("license_expression"):
        component["licenses"] = [{"expression": expression}]
    elif (name := metadata.get("license")) and len(name) < 100:
        component["licenses"] = [{"license": {"name": " ".join(name.split())}}]
    return component


def _python() -> Component:
    version = platform.python_version()
    ref = f"pkg:generic/python@{version}"
    return {"type": "platform", "bom-ref": ref, "name": "python", "version": version, "purl": ref}


def _debian(name: str) -> Component:
    form = "${Package}\t${Version}\t${Architecture}"
    asked = subprocess.run(["dpkg-query", "-W", "-f", form, name], capture_output=True, text=True, check=True)
    package, version, architecture = asked.stdout.split("\t")
    distribution = platform.freedesktop_os_release()
    qualifiers = f"arch={architecture}&distro={distribution['ID']}-{distribution['VERSION_ID']}"
    ref = f"pkg:deb/debian/{package}@{quote(version, safe=':~')}?{qualifiers}"
    return {"type": "library", "bom-ref": ref, "name": package, "version": version, "purl": ref}
