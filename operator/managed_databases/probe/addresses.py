"""The addresses of a host, and which of them no probe goes to."""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from ipaddress import ip_address

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")


class NoDatabaseThere(Exception):
    """No database can be at this host."""


@cache
def _resolvers() -> ThreadPoolExecutor:
    """Return threads of the probes' own: names that nobody resolves would else take all those that the calls to the cloud and to
    Kubernetes resolve their names in.
    """
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="probe-names")


async def check_host(host: str, port: int) -> None:
    """Resolve the host.

    Raises NoDatabaseThere for what is neither a name nor an IP address (a driver might take it for the path of a socket), and
    for addresses that only what runs beside the operator has: of the node itself, such as a cloud's metadata, of groups, or none
    at all. Raises OSError if the name cannot be resolved.
    """
    if _HOST.fullmatch(host) is None:
        raise NoDatabaseThere("this is no host's name")
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_resolvers(), _resolve, host, port)
    for text in found:
        address = ip_address(text)
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            raise NoDatabaseThere("this is the address of no database")


def _resolve(host: str, port: int) -> set[str]:
    return {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
