"""A sandbox without --engines has nothing of them."""

import subprocess
import sys

LOOK = """
import sys
from managed_databases.sandbox import command
from managed_databases.sandbox.server import Sandbox
Sandbox()
heavy = ("aiomysql", "asyncpg", "confluent_kafka", "cryptography", "ctypes", "pymysql", "redis", "scramp")
print([name for name in sys.modules if name.split(".")[0] in heavy or ".sandbox.servers" in name])
"""


def test_nothing_is_imported_without_engines() -> None:
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
