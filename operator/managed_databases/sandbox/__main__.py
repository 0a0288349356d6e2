"""`python -m managed_databases.sandbox`: the sandbox as a process of its own."""

import typer

from managed_databases.sandbox.command import sandbox

if __name__ == "__main__":
    typer.run(sandbox)
