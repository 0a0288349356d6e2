"""Reads a list of Kubernetes page by page."""

from collections.abc import AsyncIterator
from typing import Any

from managed_databases.kube.connection import JSON, KubeConnection
from managed_databases.kube.pages import Light


async def pages_of(
    connection: KubeConnection,
    path: str,
    *,
    size: int,
    label_selector: str = "",
    accept: str = JSON,
    items: Light | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Yield the pages of a list, with at most `size` objects each; what `accept` and `items` mean says `KubeConnection.request`,
    whose errors this raises, for a list that has changed too much meanwhile as well.
    """
    query = {"limit": str(size)} | ({"labelSelector": label_selector} if label_selector else {})
    while True:
        page = await connection.request("GET", path, query=query, accept=accept, items=items)
        yield page
        if not (token := page["metadata"].get("continue")):
            return
        query["continue"] = token
