"""`make image`: the operator's image in the engine that is there, and as an archive in .cache/image.

With --if-at-hand it is made only where that takes no preparation: an engine works, and the base is within reach or in the
cache. Exit codes: 0 it is there (now), or not at hand; 1 it could not be made.
"""

import fcntl
import json
import sys
import time

from image import archive, base_digest, engines, local_base, sources
from image.sources import TOP, Sources

FOLDER = TOP / ".cache/image"
ARCHIVE = FOLDER / "managed-databases-operator.tar"
BILL = FOLDER / "sbom.cdx.json"
MADE = FOLDER / "made.json"
"""What the archive was made of: nothing is built again for the same."""
BILL_IN_IMAGE = "usr/share/doc/managed-databases-operator/sbom.cdx.json"


def main(*arguments: str) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _image(if_at_hand="--if-at-hand" in arguments)


def _image(*, if_at_hand: bool) -> int:
    told = sources.read()
    try:
        engine = engines.find(say)
        if is_made(told, engine):
            say(f"{tag_of(told)} is up to date, in {engine.name} and in {ARCHIVE.relative_to(TOP)}")
            return 0
        began = time.monotonic()
        base = _base(engine, if_at_hand=if_at_hand)
        _make(told, engine, *base)
    except (engines.NoEngine, local_base.NoBase) as error:
        say(f"no image was made:\n{error}")
        return 0 if if_at_hand else 1
    except engines.EngineFailed as error:
        say(f"no image was made:\n{error}")
        return 1
    _show(tag_of(told), engine, time.monotonic() - began)
    return 0


def tag_of(told: Sources) -> str:
    return f"docker.io/library/managed-databases-operator:{told.version}"


def is_archived(told: Sources) -> bool:
    """Whether the archive is of these sources."""
    return _made().get("sources") == told.fingerprint


def is_made(told: Sources, engine: engines.Engine) -> bool:
    """Whether the archive is of these sources, and this engine made it and has the image still."""
    return is_archived(told) and _made()["engine"] == engine.name and engine.has(tag_of(told))


def _made() -> dict[str, str]:
    if not (MADE.exists() and ARCHIVE.exists() and BILL.exists()):
        return {}
    made: dict[str, str] = json.loads(MADE.read_text())
    return made


def _make(told: Sources, engine: engines.Engine, base: str, name: str, digest: str) -> None:
    MADE.unlink(missing_ok=True)
    tag = tag_of(told)
    arguments = {
        "BASE_IMAGE": base,
        "BASE_NAME": name,
        "BASE_DIGEST": digest,
        "SOURCE_DATE_EPOCH": str(sources.NOW),
        "VERSION": told.version,
        "REVISION": told.revision,
        "CREATED": told.created,
    }
    say(f"building {tag} with {engine.name}")
    engine.build(TOP, tag, arguments)
    engine.save(tag, ARCHIVE)
    BILL.write_text(archive.text_of(ARCHIVE, BILL_IN_IMAGE))
    MADE.write_text(json.dumps({"sources": told.fingerprint, "engine": engine.name}))


def _base(engine: engines.Engine, *, if_at_hand: bool) -> tuple[str, str, str]:
    """Return what to build from, and its name and digest for people."""
    name, digest = base_digest.pinned((TOP / "Dockerfile").read_text())
    pinned = f"{name}@{digest}"
    why = engine.pull(pinned, engines.AT_HAND_SECONDS if if_at_hand else engines.PULL_SECONDS)
    if why is None:
        say(f"the base is {pinned}")
        return pinned, name, digest
    say(f"{pinned} cannot be pulled: {why}")
    kept, local_digest = local_base.find(say, make=not if_at_hand)
    say(
        f"the base is not {name}, but Debian {local_base.SUITE} with its own Python, from the distribution's packages: {kept}"
    )
    engine.load(kept, local_base.TAG)
    return local_base.TAG, local_base.TAG, local_digest


def _show(tag: str, engine: engines.Engine, seconds: float) -> None:
    image = archive.read(ARCHIVE)
    say(f"{tag} is in {engine.name}, and in {ARCHIVE.relative_to(TOP)} ({ARCHIVE.stat().st_size / 1e6:.1f} MB)")
    for layer, content in zip(image.layers, ("Python", "packages", "operator"), strict=False):
        size = sum(file.size for file in layer.files.values())
        say(f"  {content:9} {size / 1e6:6.1f} MB  {len(layer.files):5} files  {layer.digest}")
    say(f"its bill of materials is {BILL.relative_to(TOP)}; {seconds:.0f} s")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command says


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
