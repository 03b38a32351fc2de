"""One collected volume: what follows from the readings for each meter."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from meterbench.bench.collection import Collected, Span, assign, summarise
from meterbench.bench.rig_watch import Sample
from meterbench.dut.designation import Designation
from meterbench.dut.meter import Nameplate
from meterbench.dut.variants import Rating
from meterbench.instruments.capabilities import GateTiming, RigState, RigStatus


def status(**changes: float) -> RigStatus:
    seen = {"flow": 2400.0, "upstream": 300.0, "downstream": 200.0, "before": 20.0, "after": 20.4} | changes
    return RigStatus(
        state=RigState.DIVERTING, uptime_s=1, alarms=frozenset(), warnings=frozenset(), missing_permissives=frozenset(),
        flow_l_h={"A": 0.0, "B": 0.0, "C": seen["flow"]}, pressure_upstream_kpa=seen["upstream"],
        pressure_downstream_kpa=seen["downstream"], meters_dp_kpa=100.0, pump_speed_percent=80.0,
        water_temp_upstream_c=seen["before"], water_temp_downstream_c=seen["after"], tank_temp_c=20.0,
        weigh_tank_level_percent=10.0, ambient_temp_c=21.0, leak_rate_kpa_min=0.0,
    )  # fmt: skip


def collected(*statuses: RigStatus, pulses: tuple[int, ...] = (1_000_000,) * 4) -> Collected:
    samples = [Sample(float(number), each) for number, each in enumerate(statuses or (status(),))]
    return summarise("C", (1000.0, 100_700.0), GateTiming(150.0, 0.06, 0.06), pulses, [20.1, 20.3, 20.5], samples)


def batch(count: int = 4) -> list[Nameplate]:
    rating = Rating(15, Decimal("2.5"), 1600)
    return [Nameplate(f"1000000{number}", Designation(15, 1, 1), rating) for number in range(1, count + 1)]


def test_span() -> None:
    """Lowest, highest and mean."""
    assert Span.of([3.0, 1.0, 5.0]) == Span(1.0, 5.0, 3.0)


@pytest.mark.parametrize("place", range(3))
def test_a_sample_that_is_no_number_is_not_hidden(place: int) -> None:
    """One NaN among the samples, wherever it stands, makes the whole span unknown."""
    values = [20.0, 20.1, 20.2]
    values[place] = math.nan
    span = Span.of(values)
    assert all(math.isnan(each) for each in (span.lowest, span.highest, span.mean))


def test_what_was_sampled_is_summarised() -> None:
    """Weighed mass is the difference of the readings; each span is over all samples, of the line in use."""
    seen = collected(status(flow=2390.0, upstream=295.0), status(flow=2410.0, downstream=190.0, after=20.6))
    assert seen.weighed_g == 99_700.0
    assert seen.flow_l_h == Span(2390.0, 2410.0, 2400.0)
    assert (seen.upstream_kpa.lowest, seen.downstream_kpa.lowest) == (295.0, 190.0)
    assert seen.warming_k == pytest.approx(0.5)


def test_each_meter_has_its_own_temperature_and_pressure() -> None:
    """Four slots lie at 1/8, 3/8, 5/8 and 7/8 of the way; the probe is half-way, pressure falls from up to down."""
    volumes = assign(collected(), batch(), 1013.25, 50.0)
    assert [volume.water_temp_c for volume in volumes] == pytest.approx([20.15, 20.25, 20.35, 20.45])
    assert [volume.gauge_kpa for volume in volumes] == pytest.approx([287.5, 262.5, 237.5, 212.5])
    litres = [volume.actual_l for volume in volumes]
    assert litres == sorted(litres)
    assert litres[3] / litres[0] - 1.0 == pytest.approx(0.3 * 2.09e-4 + 0.075 * 4.587e-4, rel=0.02)


def test_the_published_error_of_indication_at_one_meter() -> None:
    """The vector of iso4064.md 3.3 goes through the whole assignment: E = +0.77125 % (tank and meter 0.2 K apart).

    Here tank and meter have one temperature, which moves the buoyancy by 4e-8 only.
    """
    one = replace(
        collected(status(upstream=300.0, downstream=300.0, before=20.0, after=20.0), pulses=(1_007_420,)),
        probe_temp_c=Span(20.1, 20.1, 20.1),
    )
    (volume,) = assign(one, batch(1), 1002.0, 50.0)
    assert volume.indicated_l == pytest.approx(100.742)
    assert volume.error_percent == pytest.approx(0.77125, abs=2e-5)
    assert volume.flow_l_h == pytest.approx(99.97097 * 3600.0 / 150.0)


@pytest.mark.parametrize("count", [3, 5])
def test_as_many_counts_as_meters(count: int) -> None:
    """A count without a meter, or a meter without a count, is never guessed."""
    with pytest.raises(ValueError, match="zip"):
        assign(collected(pulses=(1,) * count), batch(), 1013.25, 50.0)


@pytest.mark.parametrize("missing", ["upstream", "downstream", "before", "after"])
def test_a_missing_process_value_leaves_no_error(missing: str) -> None:
    """NaN in one sample of a pressure or temperature reaches the error of every meter: it cannot be judged."""
    seen = collected(status(), status(**{missing: math.nan}), status())
    assert all(math.isnan(volume.error_percent) for volume in assign(seen, batch(), 1013.25, 50.0))
