"""Quotas and limits are read with the catalogue, again when the datastores change, and never in each pass."""

from functools import partial

import pytest

from managed_databases.kinds.project_view import ParametersFor
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.project import catalogue_details, catalogue_reader
from managed_databases.reconcile.project.session import LIMITS_AT_ONCE
from reconcile.project.fake_project import DATASTORE_KIND, ProjectHarness, until

SMALL = ParametersFor("t", 2, 4096, 32)


async def test_a_flavors_limits_are_read_once() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: harness.cloud.requests)
        before = harness.cloud.count("GET /configuration-parameters")
        for _ in range(5):
            session.need_parameters(SMALL, "shop")
        await until(lambda: session.view and SMALL in session.view.catalogue.limited, lambda: harness.cloud.requests)
        session.need_parameters(SMALL, "shop")
        await harness.listed(DATASTORE_KIND) if session.lists.need(DATASTORE_KIND) else None
        assert harness.cloud.count("GET /configuration-parameters") == before + 1


async def test_what_is_the_same_for_every_flavor_is_kept_once() -> None:
    """An engine has hundreds of parameters, a project dozens of sizes, and few limits depend on the size."""
    harness = ProjectHarness()
    harness.cloud.rows["configuration-parameters"] = {
        name: {"id": name, "datastore_type_id": "t", "name": name, "max": 9} for name in ("jit", "shared_buffers")
    }
    large = SMALL._replace(ram=8192)
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: harness.cloud.requests)
        session.need_parameters(SMALL, "shop")
        await until(lambda: session.view and SMALL in session.view.catalogue.limited, lambda: harness.cloud.requests)
        harness.cloud.rows["configuration-parameters"]["shared_buffers"]["max"] = 18
        session.need_parameters(large, "shop")
        await until(lambda: session.view and large in session.view.catalogue.limited, lambda: harness.cloud.requests)
        assert session.view is not None
        small_rows, large_rows = session.view.catalogue.limited[SMALL], session.view.catalogue.limited[large]
        assert small_rows[0] is large_rows[0]
        assert [row.max for row in (*small_rows, *large_rows)] == [9, 9, 9, 18]


async def test_a_catalogue_that_is_read_again_unchanged_is_kept_once() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: harness.cloud.requests)
        assert session.view is not None
        before = session.view.catalogue.parameters["t"][0]
        session.refresh()
        await until(lambda: harness.cloud.count("GET /quotas") == 2, lambda: harness.cloud.requests)
        harness.cloud.rows["flavors"]["g"] = {"id": "g"}
        session.refresh()
        await until(lambda: session.view and len(session.view.catalogue.flavors) == 2, lambda: harness.cloud.requests)
        assert session.view.catalogue.parameters["t"][0] is before


async def test_quotas_are_read_again_when_the_datastores_change() -> None:
    harness = ProjectHarness()
    async with harness.opened() as session:
        await until(lambda: harness.cloud.count("GET /quotas") == 1, lambda: harness.cloud.requests)
        session.lists.need(DATASTORE_KIND)
        await harness.listed(DATASTORE_KIND, 2)
        assert harness.cloud.count("GET /quotas") == 1
        harness.cloud.rows["quotas"]["vcpus"] = {"name": "vcpus", "used": 2, "limit": 4}
        harness.cloud.put("datastores", "new")
        session.lists.request("datastores")
        await until(lambda: session.view and session.view.catalogue.quotas, lambda: harness.cloud.requests)
        version = session.view.catalogue.version if session.view else 0
        assert session.quotas == ()  # what is shown waits for the next whole reading
        session.refresh()
        await until(lambda: session.quotas, lambda: harness.cloud.requests)
        assert session.view is not None
        assert session.view.catalogue.version == version


async def test_projects_of_one_address_share_a_catalogue_and_others_do_not() -> None:
    """Two regions offer other things: what one shows in the place of the other's would be read anew each time."""
    one, same, elsewhere = ProjectHarness(), ProjectHarness(), ProjectHarness()
    elsewhere.cloud.endpoint = "https://other.example/v1"
    flavors = []
    async with one.opened() as first, elsewhere.opened() as far, same.opened() as second:
        for session in (first, far, second):
            await until(partial(lambda of: of.view and of.view.catalogue.known, session), lambda: one.cloud.requests)
            assert session.view is not None
            flavors.append(session.view.catalogue.flavors[0])
        assert flavors[2] is flavors[0]
        assert flavors[1] is not flavors[0]
        assert flavors[1] == flavors[0]


async def test_one_namespace_has_not_all_limits_read() -> None:
    """A spec whose size is edited in a loop: the API decides without them."""
    harness = ProjectHarness()
    async with harness.opened() as session:
        await until(lambda: session.view and session.view.catalogue.known, lambda: harness.cloud.requests)
        before = harness.cloud.count("GET /configuration-parameters")
        for disk in range(500):
            session.need_parameters(SMALL._replace(disk=disk), "loud")
        session.need_parameters(SMALL, "quiet")
        await until(lambda: session.view and SMALL in session.view.catalogue.limited, lambda: harness.cloud.requests)
        assert harness.cloud.count("GET /configuration-parameters") <= before + LIMITS_AT_ONCE + 3


async def test_a_catalogue_of_too_many_rows_is_not_read_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be compared, and looked through, in passes of everybody."""
    monkeypatch.setattr(catalogue_reader, "MAX_OFFERS", 3)
    harness = ProjectHarness()
    for number in range(4):
        harness.cloud.rows["flavors"][f"f{number}"] = {"id": f"f{number}"}
    async with harness.opened() as session:
        await until(lambda: session.troubles, lambda: harness.cloud.requests)
        assert session.troubles[0][0] is Reason.SNAPSHOT_TOO_LARGE
        assert "flavors" in session.troubles[0][1]
        assert "5 rows, at most 3" in session.troubles[0][1]


async def test_details_of_too_many_rows_count_as_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_details, "MAX_DETAILS", 3)
    harness = ProjectHarness()
    for number in range(4):
        harness.cloud.rows["quotas"][f"q{number}"] = {"name": f"q{number}", "used": 1, "limit": 2}
    async with harness.opened() as session:
        await until(lambda: harness.cloud.count("GET /quotas"), lambda: harness.cloud.requests)
        await until(lambda: session.view and session.view.catalogue.known, lambda: harness.cloud.requests)
        assert session.quotas == ()
        del harness.cloud.rows["quotas"]["q3"]
        session.refresh()
        await until(lambda: len(session.quotas) == 3, lambda: harness.cloud.requests)
