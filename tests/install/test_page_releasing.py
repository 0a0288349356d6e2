"""What the reader of docs/releasing.md types to make the key of releases, and to verify one by it."""

from pathlib import Path

from page_shell import PageShell, walk
from release.seals import sign, write_sums

RELEASES = "minutes, and a tree of its own: test_release.py makes, changes and installs releases"
ACCOUNTS = "it takes accounts at registries"
FILES = ("crds.yaml", "install.yaml", "managed-databases-operator-VERSION.tgz")


async def test_what_is_typed_about_the_key(tmp_path: Path) -> None:
    async def a_release_is_made(shell: PageShell) -> None:
        for name in FILES:
            (shell.home / name).write_text(f"{name}\n")
        write_sums(shell.home)
        assert sign(shell.home, shell.home / "release.pem")
        (shell.home / FILES[0]).unlink()  # who verifies need not have loaded all files

    async with PageShell(tmp_path) as shell:
        came = await walk(
            "docs/releasing.md",
            shell,
            left_out=dict.fromkeys(
                ("make version", "make release", "make docs", "helm upgrade", "kubectl apply"), RELEASES
            )
            | dict.fromkeys(("helm push", "docker ", "cosign sign", "twine upload"), ACCOUNTS),
            before={"openssl dgst": a_release_is_made},
        )
        (tmp_path / FILES[1]).write_text("changed\n")
        assert (await shell.type("sha256sum --check --ignore-missing SHA256SUMS")).code == 1
    assert (len(came.run), len(came.left_out)) == (4, 13)
