"""docker, podman and buildah: whichever is there, and works."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Say = Callable[[str], None]

NAMES: Final = ("docker", "podman", "buildah")
PULL_SECONDS: Final = 600
AT_HAND_SECONDS: Final = 60


class NoEngine(Exception):
    """No engine is there that works; the text tells of each one why not."""


class EngineFailed(Exception):
    """A command of the engine failed; the text is the command, and the last of what it said."""


@dataclass(frozen=True)
class Engine:
    name: str

    def build(self, folder: Path, tag: str, arguments: Mapping[str, str]) -> None:
        """Build the Dockerfile in `folder`; what is built is shown as it goes."""
        epoch = arguments["SOURCE_DATE_EPOCH"]
        settings = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        # The proxy's and the registry's settings of the machine; certificates of its own are in the base (see local_base).
        command = [self.name, "build", "--network=host", *settings, "--tag", tag]
        environment = dict(os.environ)
        if self.name == "docker":
            environment["SOURCE_DATE_EPOCH"] = epoch
            if not self._has_buildx():
                environment["DOCKER_BUILDKIT"] = "0"
        else:
            command += ["--timestamp", epoch, "--layers", "--identity-label=false"]
        self._run([*command, str(folder)], show=True, environment=environment)

    def pull(self, image: str, seconds: float = PULL_SECONDS) -> str | None:
        """Have the image here; return why that failed, in a line. A registry may be out of reach without saying so."""
        try:
            if not self._ok("image" if self.name != "buildah" else "inspect", *self._inspect(image)):
                self._run([self.name, "pull", image], seconds=seconds)
        except EngineFailed as error:
            return str(error).splitlines()[-1]
        return None

    def load(self, archive: Path, tag: str) -> None:
        """Have the image of an archive here, under the tag that the archive gives it."""
        if self.name == "buildah":
            self._run(["buildah", "pull", "--quiet", f"docker-archive:{archive}:{tag}"])
        else:
            self._run([self.name, "load", "--quiet", "--input", str(archive)])

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as an archive that names it as it is named here: docker.io/library/NAME:VERSION."""
        archive.unlink(missing_ok=True)
        if self.name == "docker":
            self._run(["docker", "save", "--output", str(archive), tag])
        elif self.name == "podman":
            self._run(["podman", "save", "--format", "docker-archive", "--output", str(archive), tag])
        else:
            self._run(["buildah", "push", "--quiet", tag, f"docker-archive:{archive}:{tag}"])

    def has(self, tag: str) -> bool:
        return self._ok("image" if self.name != "buildah" else "inspect", *self._inspect(tag))

    def why_not(self) -> str | None:
        """Why it cannot be used here, in a line; None when it can."""
        if shutil.which(self.name) is None:
            return "is not installed"
        try:
            self._run([self.name, "info"], seconds=60)
        except EngineFailed as error:
            return str(error).splitlines()[-1]
        return None

    def _inspect(self, image: str) -> Sequence[str]:
        return ("inspect", image) if self.name != "buildah" else ("--type", "image", image)

    def _has_buildx(self) -> bool:
        return self._ok("buildx", "version")

    def _ok(self, *arguments: str) -> bool:
        try:
            self._run([self.name, *arguments], seconds=60)
        except EngineFailed:
            return False
        return True

    def _run(
        self,
        command: list[str],
        *,
        show: bool = False,
        seconds: float = 3600,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if self.name != "docker":
            # The default needs namespaces and rights that a container may not have; to build, changing the root is enough.
            environment = {"BUILDAH_ISOLATION": "chroot", **(environment or os.environ)}
        with tempfile.TemporaryFile("w+") as said:
            try:
                ended = subprocess.run(
                    command,
                    stdout=None if show else said,
                    stderr=None if show else subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=environment,
                    timeout=seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise EngineFailed(f"{' '.join(command)}: not done within {seconds:.0f} s") from None
            if ended.returncode != 0:
                said.seek(0)
                last = " ".join(said.read().split())[-300:]
                raise EngineFailed(f"{command[0]} {command[1]} ended with {ended.returncode}: {last or 'see above'}")


def find(say: Say) -> Engine:
    """Return the engine of $ENGINE, else the first that works. Raises NoEngine."""
    wanted = os.environ.get("ENGINE")
    names = (wanted,) if wanted else NAMES
    if unknown := set(names) - set(NAMES):
        raise NoEngine(f"ENGINE={', '.join(unknown)} is none of {', '.join(NAMES)}")
    why = {}
    for name in names:
        engine = Engine(name)
        why[name] = engine.why_not()
        if why[name] is None:
            for passed, reason in why.items():
                if reason:
                    say(f"{passed} {reason}")
            return engine
    raise NoEngine("\n".join(f"{name}: {reason}" for name, reason in why.items()))
