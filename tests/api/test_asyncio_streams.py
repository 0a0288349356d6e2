"""Whether something has come on an idle connection is seen without reading it, on each platform."""

import select
import socket

import pytest

from managed_databases.api.asyncio_streams import news_of


@pytest.mark.parametrize("has_poll", [True, False])
def test_news_of_a_connection(has_poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_poll:  # as on Windows
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        has_news = news_of(ours)
        assert not has_news()
        theirs.send(b"unasked")
        assert has_news()
        assert ours.recv(100) == b"unasked"
        assert not has_news()
        theirs.close()
        assert has_news(), "the end is news, too"
