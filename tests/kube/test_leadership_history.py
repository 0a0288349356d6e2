"""Whatever networks, clocks and people do to three replicas and their Lease, never two lead."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kube.lease_server import LeaseServer, Replica
from managed_databases.kube.leadership import LeadershipLost

seconds = st.sampled_from([0.0, 0.5, 3.0, 7.0, 14.9, 15.1, 40.0])
events = st.fixed_dictionaries(
    {
        "who": st.integers(0, 2),
        "what": st.sampled_from(
            ["attempt", "attempt", "attempt", "attempt", "release", "kill", "jump", "delete", "empty", "empty all"]
        ),
        "before": seconds,
        "there": seconds,
        "back": seconds,
        "loses": st.sampled_from([set(), set(), {"PUT"}, {"POST"}, {"GET"}]),
        "meanwhile": st.none() | st.integers(0, 2),
    }
)


@given(st.lists(events, max_size=40))
def test_never_two_leaders(history: list[dict[str, Any]]) -> None:
    asyncio.run(_replay(history))


async def _replay(history: list[dict[str, Any]]) -> None:
    server = LeaseServer()
    replicas = [Replica(server, f"{number}") for number in range(3)]
    busy: set[int] = set()

    def started_again(who: int) -> None:
        replicas[who] = Replica(server, f"{replicas[who].identity}'")

    async def try_(who: int) -> None:
        busy.add(who)
        try:
            await replicas[who].leadership.attempt()
        except LeadershipLost:
            assert not replicas[who].leadership.is_held()
            started_again(who)
        busy.discard(who)
        leaders = [replica.identity for replica in replicas if replica.leadership.is_held()]
        assert len(leaders) <= 1, leaders

    for event in history:
        who = event["who"]
        replica = replicas[who]
        server.seconds += event["before"]
        if event["what"] == "kill":
            started_again(who)
        elif event["what"] == "release":
            await replica.leadership.release()
            started_again(who)
        elif event["what"] == "jump":
            replica.wall_offset += (event["there"] - event["back"]) * 100
        elif event["what"] == "delete":
            server.delete()
        elif event["what"].startswith("empty"):
            if server.lease is not None:
                server.empty(whole=event["what"] == "empty all")
        else:

            async def there(event: dict[str, Any] = event) -> None:
                server.seconds += event["there"]
                if event["meanwhile"] is not None and event["meanwhile"] not in busy:
                    await try_(event["meanwhile"])

            async def back(event: dict[str, Any] = event) -> None:
                server.seconds += event["back"]

            replica.on_the_way, replica.on_the_way_back, replica.loses = there, back, event["loses"]
            await try_(who)
