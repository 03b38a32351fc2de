"""The counter with interpolator in the virtual lab, on the reference meter's own pulses."""

from __future__ import annotations

from meterbench.bench import opening, station
from meterbench.instruments.counter.keysight_53220a import Keysight53220A
from tests.conftest import station_content


def test_both_boxes_see_the_gate_and_the_meter_s_pulses() -> None:
    """25 L/h, some 70 pulses a second: both times are about a period, and the fraction is within a pulse of the count.

    It says nothing of repeatability: at this rate the meter's own scatter is larger than a pulse in the gate.
    """
    content = station_content()
    content["instruments"]["counter"]["settings"] = {"interpolate": True}
    with opening.open_station(station.parse(content, "test")) as bench:
        bench.take_control()
        counter = bench.counters[0]
        assert isinstance(counter, Keysight53220A)
        line = bench.start_flow(25.0)
        assert bench.wait_until_steady(line, 25.0, 0.02, 600.0)
        counter.arm()
        bench.rig.divert_to_tank()
        bench.clock.sleep(60.0)
        counter.prepare_closing()
        bench.rig.divert_to_return()
        bench.clock.sleep(1.0)
        seen = counter.gated_pulses()
        gate_s = bench.rig.last_gate().duration_s
    period_s = gate_s / seen.count
    assert seen.count > 4000
    assert 0.0 < seen.after_opening_s < 2.0 * period_s
    assert 0.0 < seen.after_closing_s < 2.0 * period_s
    assert abs(seen.interpolated(gate_s) - seen.count) <= 1.001
