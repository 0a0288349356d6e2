"""`python -m managed_databases.sandbox`: the sandbox as a process of its own."""

from managed_databases.sandbox.command import app

if __name__ == "__main__":
    app()
