"""Addresses of this machine for datastores: each instance has one of its own, so all servers have their standard ports.

On Linux all of 127.0.0.0/8 is this machine's, without any configuration.
"""

import errno
import secrets
import socket
from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from managed_databases.sandbox.backing import ChangeRefused

_NETWORK: Final = ip_network("127.77.0.0/16")
_TRIES: Final = 20


def free_address(ports: Sequence[int], taken: Collection[str]) -> str:
    """Return an address of `_NETWORK` on which nobody listens on these ports. Raises ChangeRefused: it says what is in the way.

    Addresses are chosen by chance, because other sandboxes on this machine choose from the same ones.
    """
    port = 0
    for _ in range(_TRIES):
        address = str(_NETWORK[secrets.randbelow(_NETWORK.num_addresses - 2) + 1])
        if address in taken:
            continue
        busy = next((port for port in ports if not is_free(address, port)), None)
        if busy is None:
            return address
        port = busy
    raise ChangeRefused(_everywhere(port))


def is_free(address: str, port: int) -> bool:
    """Return whether a server could listen there. Raises ChangeRefused if this machine does not have the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise ChangeRefused(f"cannot listen on {address}:{port}: {error.strerror}") from error
    return True


def check_address(address: str, ports: Sequence[int]) -> None:
    """Raise ChangeRefused, in words, if somebody else listens on one of these ports of a datastore's address."""
    for port in ports:
        if not is_free(address, port):
            other = str(ip_address(address) + 1)
            raise ChangeRefused(
                f"{address}:{port} is taken by another process" if is_free(other, port) else _everywhere(port)
            )


def _everywhere(port: int) -> str:
    return (
        f"port {port} is taken on every address of this machine: something listens on 0.0.0.0:{port} or [::]:{port}"
        f" (`ss -ltnp 'sport = :{port}'` names it); end it, or let it listen on one address"
    )
