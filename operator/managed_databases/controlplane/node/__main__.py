"""`python -m managed_databases.controlplane.node COMMAND...`: run a command on a private machine.

With `--missing-packages` it only prints the Debian packages that this machine lacks for that.
Exit codes: the command's own; 77 when no node can run here, with the reasons on standard error.
"""

import sys

from managed_databases.controlplane.node import private_machine, requirements

CANNOT_RUN = 77


def main() -> int:
    if sys.argv[1:] == ["--missing-packages"]:
        sys.stdout.write(" ".join(requirements.missing_packages()) + "\n")
        return 0
    reasons = requirements.missing()
    if reasons:
        sys.stderr.write("".join(f"no node can run here: {reason}\n" for reason in reasons))
        return CANNOT_RUN
    return private_machine.run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
