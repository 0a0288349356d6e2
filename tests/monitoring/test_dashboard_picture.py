"""The picture of the dashboard: each panel is in it, with what Prometheus answers, and the one in the docs has them all."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree

import pytest
import yaml

from install.helm import render
from install.kubectl import TOP
from monitoring.test_queries import PANELS
from tools.dashboard_picture.answers import STEP_SECONDS, Ask, Line, Span, lines
from tools.dashboard_picture.drawing import NO_DATA, OTHERS, UNITS, picture
from tools.dashboard_picture.life import HAPPENS
from tools.dashboard_picture.panels import DASHBOARD, WINDOW, Panel, Target, panels, shipped
from tools.dashboard_picture.recording import RECORDED_SECONDS, scraping

SVG: Final = "{http://www.w3.org/2000/svg}"
SPAN: Final = Span(1000, 1480)
IN_DOCS: Final = TOP / "docs/pictures/dashboard.svg"
MOST_BYTES: Final = 300_000


def drawn(svg: str) -> list[tuple[str, list[ElementTree.Element]]]:
    """Return the title of each panel and row, and what is drawn in it."""
    groups = [[*group] for group in ElementTree.fromstring(svg).iter(f"{SVG}g")]
    return [(texts(group)[0], group) for group in groups]


def texts(group: Sequence[ElementTree.Element]) -> list[str]:
    return [each.text or "" for each in group if each.tag == f"{SVG}text"]


def curves(group: Sequence[ElementTree.Element]) -> list[ElementTree.Element]:
    return [each for each in group if each.get("fill") == "none" and each.tag == f"{SVG}path"]


def line(*values: float, since: float = SPAN.since, **labels: str) -> Line:
    return Line(labels, [(since + number * STEP_SECONDS, value) for number, value in enumerate(values)])


def panel(unit: str = "short", legend: str = "{{name}}") -> Panel:
    return Panel("One", unit, 0, 0, 8, 8, (Target("up", legend),))


def one(ask: Ask, unit: str = "short") -> list[ElementTree.Element]:
    ((_, group),) = drawn(picture([panel(unit)], ask, SPAN, "All"))
    return group


def test_each_panel_of_the_dashboard_is_drawn_with_each_of_its_queries() -> None:
    asked = list[str]()

    def ask(query: str) -> Sequence[Line]:
        asked.append(query)
        return [Line(defaultdict(lambda: f"label{len(asked)}"), [(1000, 1.5), (1480, 3.0)])]

    found = drawn(picture(shipped(), ask, SPAN, "All"))
    assert [title for title, _ in found] == [each["title"] for each in PANELS]
    assert asked == [target["expr"] for each in PANELS for target in each.get("targets", ())]
    for (title, group), told in zip(found, PANELS, strict=True):
        assert len(curves(group)) == len(told.get("targets", ())), title
        assert NO_DATA not in texts(group)


def test_a_panel_without_an_answer_says_so() -> None:
    for (title, group), told in zip(drawn(picture(shipped(), lambda _: [], SPAN, "All")), PANELS, strict=True):
        assert texts(group) == ([title, NO_DATA] if told.get("targets") else [title])


def test_lines_have_names_and_their_highest_values_the_highest_first() -> None:
    found = texts(one(lambda _: [line(1, 0.002, name="low"), line(3, 150, name="<high>")], "s"))
    assert found[-4:] == ["<high>", "2.5 min", "low", "1 s"]


def test_of_many_lines_the_highest_have_names_and_the_others_are_counted() -> None:
    group = one(lambda _: [line(number, number, name=f"n{number}") for number in range(1, 21)])
    colors = Counter(each.get("stroke") for each in curves(group))
    named = [text for text in texts(group) if text.startswith("n")]
    assert named == [f"n{20 - number}" for number in range(len(named))]
    assert (texts(group)[-1], colors[OTHERS]) == (f"and {20 - len(named)} more", 20 - len(named))
    assert len(colors) == len(named) + 1


@pytest.mark.parametrize("count", [1, 7, 8, 40])
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_lies_on_another_or_outside_of_its_panel(count: int, unit: str) -> None:
    group = one(lambda _: [line(-5, 12_345_678 * number, name="n" * 60) for number in range(count)], unit)
    (box,) = (each for each in group if each.tag == f"{SVG}rect")
    written = [each for each in group if each.tag == f"{SVG}text"]
    assert max(float(each.get("y", 0)) for each in written) < float(box.get("height", 0))
    left = [each for each in written if each.get("text-anchor") is None]
    assert all(float(below.get("y", 0)) - float(above.get("y", 0)) >= 12 for above, below in pairwise(left))
    assert max(len(each.text or "") for each in left) <= 36


def test_where_prometheus_has_no_value_the_line_is_broken() -> None:
    with_gap = Line({}, [*line(1, 2).points, *line(2, 1, since=1200).points])
    (curve,) = curves(one(lambda _: [with_gap]))
    assert curve.get("d", "").count("M") == 2


def test_a_line_has_its_values_in_their_places() -> None:
    (curve,) = curves(one(lambda _: [Line({}, [(1000, 0), (1005, 0), (1010, 0), (1015, 4)])]))
    (x0, y0), (_, y1), (x2, y2) = (map(float, place.split()) for place in curve.get("d", "").lstrip("M").split("L"))
    assert y0 == y1 > y2, "of points at the same height the first and the last, and further up is more"
    assert x0 < x2


def test_answers_are_read_without_what_is_no_number() -> None:
    values = [[1000, "1"], [1005, "NaN"], [1010, "+Inf"], [1015, "2.5"]]
    result = [{"metric": {"kind": "a"}, "values": values}, {"metric": {"kind": "b"}, "values": [[1000, "NaN"]]}]
    assert lines({"status": "success", "data": {"resultType": "matrix", "result": result}}) == [
        Line({"kind": "a"}, [(1000, 1), (1015, 2.5)])
    ]


@pytest.mark.parametrize("variable", ["$__rate_interval", "${__interval}", "$__range"])
def test_windows_that_grafana_would_choose_are_fixed_ones(variable: str) -> None:
    (found,) = panels(dashboard(f"rate(a_total[{variable}])"))
    assert found.targets[0].query == f"rate(a_total[{WINDOW}])"


def test_other_variables_would_be_found() -> None:
    with pytest.raises(ValueError, match="what is the variable"):
        list(panels(dashboard('up{namespace="$namespace"}')))


def dashboard(query: str) -> dict[str, Any]:
    place = {"x": 0, "y": 0, "w": 8, "h": 8}
    return {"panels": [{"title": "One", "gridPos": place, "targets": [{"expr": query, "legendFormat": "a"}]}]}


def test_the_picture_of_the_docs_has_each_panel_of_the_dashboard() -> None:
    """After a change of the dashboard: docs/observing.md says how it is recorded anew."""
    text = IN_DOCS.read_text()
    assert [title for title, _ in drawn(text)] == [
        each["title"] for each in json.loads(DASHBOARD.read_text())["panels"]
    ]
    assert len(text) < MOST_BYTES
    assert "](pictures/dashboard.svg)" in (TOP / "docs/observing.md").read_text()


def test_all_that_happens_is_recorded_and_in_its_order() -> None:
    seconds = [second for second, _, _ in HAPPENS]
    assert seconds == sorted({*seconds})
    assert seconds[-1] < RECORDED_SECONDS


def test_it_is_read_as_the_chart_has_it_read() -> None:
    """Else `namespace` would be the operator's, and nobody could say whose resources wait."""
    (monitor,) = [
        each for each in render({"metrics": {"podMonitor": {"create": True}}}) if each["kind"] == "PodMonitor"
    ]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (job,) = yaml.safe_load(scraping({"operator-0": 8443}))["scrape_configs"]
    (static,) = job["static_configs"]
    assert job["honor_labels"] is endpoint["honorLabels"] is True
    assert {"pod", "namespace"} <= static["labels"].keys()
