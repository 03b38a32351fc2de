"""Recorded flow traces: both forms, refusals by line number, and the sums of the published files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.errors import ConfigError
from meterbench.procedures.flow_trace import FLOW_UNITS_L_H, LONGEST_PAUSE_S, Draw, Stretch, read_trace

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "consumption"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace.csv"


def draws(trace: Path, text: str, unit: str = "L/h") -> list[Draw]:
    trace.write_text(text, encoding="utf-8")
    return read_trace(trace, unit)


def refusal(trace: Path, text: str, unit: str = "L/h") -> str:
    with pytest.raises(ConfigError) as refused:
        draws(trace, text, unit)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def volume(found: list[Draw]) -> float:
    return math.fsum(draw.volume_l for draw in found)


@pytest.mark.parametrize(("name", "litres"), [("weusedto_shower.csv", 6359.8), ("weusedto_washingmachine.csv", 1692.0)])
def test_published_traces_keep_their_water(name: str, litres: float) -> None:
    """The one-second files in mL/s sum to what their source states, and no draw holds a long pause or no water."""
    path = PUBLISHED / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    found = read_trace(path, "mL/s")
    assert round(volume(found), 1) == litres
    stretches = [stretch for draw in found for stretch in draw.stretches]
    assert max(stretch.duration_s for stretch in stretches if stretch.flow_l_h == 0.0) <= LONGEST_PAUSE_S
    assert all(draw.stretches[0].flow_l_h > 0.0 and draw.stretches[-1].flow_l_h > 0.0 for draw in found)


@pytest.mark.parametrize(
    ("name", "events", "litres"), [("weusedto_toilet.csv", 1184, 12.0), ("weusedto_dishwasher30.csv", 52, 10.2)]
)
def test_published_events_that_overlap_are_added_up(name: str, events: int, litres: float) -> None:
    """Start-value-end files hold uses at the same time: the trace draws the sum of all events, no less and no more."""
    path = PUBLISHED / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    assert volume(read_trace(path, "L")) == pytest.approx(events * litres, rel=1e-4)


def test_two_uses_at_the_same_time_are_one_flow(trace: Path) -> None:
    """From edge to edge the flows add up."""
    trace.write_text("100 5 200\n150 7 250\n")
    (draw,) = read_trace(trace, "L/h")
    assert [(each.duration_s, each.flow_l_h) for each in draw.stretches] == [(50.0, 5.0), (50.0, 12.0), (50.0, 7.0)]


@pytest.mark.parametrize(
    ("unit", "l_h"), [("L/h", 1.0), ("L/min", 60.0), ("mL/s", 3.6), ("L/s", 3600.0), ("m3/h", 1000.0)]
)
def test_units(trace: Path, unit: str, l_h: float) -> None:
    """A sample of 2 is twice the unit for one second."""
    assert draws(trace, "100 2\n", unit) == [Draw((Stretch(1.0, 2.0 * l_h),))]
    assert set(FLOW_UNITS_L_H) == {"L/h", "L/min", "mL/s", "L/s", "m3/h"}


def test_litres_in_an_interval(trace: Path) -> None:
    """Twelve litres from second 100 to 460 are 120 L/h for 360 s; as L/h the value is the flow itself."""
    (draw,) = draws(trace, "100 12.0 460\n", "L")
    assert (draw.stretches, draw.volume_l, draw.peak_l_h) == ((Stretch(360.0, 120.0),), 12.0, 120.0)
    assert draws(trace, "100 12.0 460\n")[0].volume_l == pytest.approx(1.2)


@pytest.mark.parametrize("text", ["100 36\n101 72\n", "100,36\n101,72\n", "100;36\r\n101;72\r\n",
                                  "100\t36\n\n101 \t 72",
                                  "Time Flow\n100 36\n101 72\n", 'Time Flow "End time"\n100 36 101\n101 72 102\n',
                                  "\ufeff100 36\n101 72\n", "\ufeffTime,Flow (m3/h)\n100,36\n101,72\n"])  # fmt: skip
def test_separators_headers_and_blank_lines(trace: Path, text: str) -> None:
    """Blank, comma or semicolon, with or without a header, a byte order mark or blank lines: the same two seconds."""
    assert draws(trace, text) == [Draw((Stretch(1.0, 36.0), Stretch(1.0, 72.0)))]


def test_pauses_cut_draws(trace: Path) -> None:
    """Up to 5 s without water belong to a draw; a longer pause ends it; rows of zero are no water."""
    first, second = draws(trace, "90 0\n100 36\n101 0\n106 36\n112.5 36\n400 0\n")
    assert first.stretches == (Stretch(1.0, 36.0), Stretch(5.0, 0.0), Stretch(1.0, 36.0))
    assert second.stretches == (Stretch(1.0, 36.0),)
    assert (first.duration_s, first.volume_l) == (7.0, pytest.approx(0.02))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3000)), min_size=1, max_size=30))
def test_water_is_neither_made_nor_lost(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]]) -> None:
    """However samples lie in time, the draws hold a second of each, and no draw lasts longer than its samples span."""
    path = tmp_path_factory.mktemp("trace") / "trace.csv"
    at_s, lines = 1_550_000_000, ["1550000000 36"]
    for gap_s, flow in steps:
        at_s += gap_s
        lines.append(f"{at_s} {flow}")
    found = draws(path, "\n".join(lines))
    assert volume(found) == pytest.approx((36 + sum(flow for _, flow in steps)) / 3600.0)
    assert math.fsum(draw.duration_s for draw in found) <= at_s + 1 - 1_550_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("100 5\n101 five\n", "line 2: '101 five' is not numbers"),
        ("Time Flow\nTime Flow\n", "line 2: 'Time Flow' is not numbers"),
        ("100 9O\n101 5\n", "line 1: '100 9O' is not numbers"),
        ("100 5\n101\n", "line 2: 1 columns; a trace has time and value, or start, value and end"),
        ("100 5 101 6\n", "line 1: 4 columns"),
        ("100 5\n101 -5\n", "line 2: value -5; a flow is a finite number, zero or more"),
        ("100 5\n101 nan\n", "line 2: value nan"),
        ("100 inf\n", "line 1: value inf"),
        ("nan 5\n", "line 1: "),
        ("100 5\n102 5\n101 5\n", "line 3: time goes back from 102 to 101"),
        ("100 0\n99 5\n", "line 2: time goes back from 100 to 99"),
        ("100 5\n100 5\n", "line 2: overlaps the line before"),
        ("100 5 200\n150 5\n", "line 2: overlaps the line before"),
        ("100.0 5\n100.5 5\n101.0 5\n", "line 2: overlaps the line before"),
        ("100 5 100\n", "line 1: it ends at 100, before it starts at 100"),
        ("100 5 90\n", "line 1: it ends at 90"),
        ("", "no water runs in this trace"),
        ("Time Flow\n100 0\n400 0\n", "no water runs in this trace"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(trace: Path, text: str, message: str) -> None:
    """The file and the line's number stand in the one sentence of the refusal; nothing is skipped in silence."""
    assert message in refusal(trace, text)
    assert str(trace) in refusal(trace, text)


def test_samples_may_be_a_little_early(trace: Path) -> None:
    """A logger whose second is 0.9 s now and then loses no water by it."""
    assert volume(draws(trace, "100 36\n100.9 36\n102 36\n")) == pytest.approx(0.03)


def test_units_that_do_not_fit_are_refused(trace: Path) -> None:
    """An unknown unit lists the known; litres need an interval."""
    assert "allowed: L/h, L/min, mL/s, L/s, m3/h, and L for start-value-end" in refusal(trace, "100 5\n", "gal")
    assert "line 1: --flow-unit L is for start-value-end traces" in refusal(trace, "100 5\n", "L")


def test_more_than_the_rig_can_do_is_refused(trace: Path) -> None:
    """A value of another unit, or two uses that are too much together: named before any water runs."""
    assert "is --flow-unit right?" in refusal(trace, "100 1e300\n", "L/h")
    assert "12000 L/h; the rig regulates up to 9000" in refusal(trace, "100 6000 200\n150 6000 250\n", "L/h")


def test_a_file_that_cannot_be_read_is_named(trace: Path) -> None:
    """Missing, or not text: one sentence with the path."""
    with pytest.raises(ConfigError, match=r"cannot read the trace .*trace\.csv: No such file"):
        read_trace(trace, "L/h")
    trace.write_bytes(b"100 \xff\n")
    with pytest.raises(ConfigError, match="it is not text"):
        read_trace(trace, "L/h")
