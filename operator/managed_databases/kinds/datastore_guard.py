"""Names a firewall by what it lets in, so that it is known again without being told."""

import hashlib
from collections.abc import Iterable

from managed_databases.kinds.datastore_managed import network


def guard_of(addresses: Iterable[str]) -> str:
    """Return the same for every way of writing the same networks, in any order."""
    networks = sorted({network(address) for address in addresses})
    return hashlib.sha256("\n".join(networks).encode()).hexdigest()[:16]
