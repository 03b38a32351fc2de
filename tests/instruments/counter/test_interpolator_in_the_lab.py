"""The interpolated count of the reference meter in the virtual lab, at a low flow rate."""

from __future__ import annotations

from meterbench.bench import opening, station
from meterbench.instruments.counter.keysight_53220a import Keysight53220A
from tests.conftest import station_content


def test_low_flow_count_has_a_fraction_that_repeats_better_than_a_pulse() -> None:
    """Some 1.4 pulses a second for a minute: two gates agree to 0.1 % with fraction, and whole counts cannot."""
    content = station_content()
    content["instruments"]["counter"]["settings"] = {"interpolate": True}
    rates_hz = []
    with opening.open_station(station.parse(content, "test")) as bench:
        bench.take_control()
        counter = bench.counters[0]
        assert isinstance(counter, Keysight53220A)
        line = bench.start_flow(25.0)
        assert bench.wait_until_steady(line, 25.0, 0.02, 600.0)
        for duration_s in (60.0, 61.3):
            counter.arm()
            bench.rig.divert_to_tank()
            bench.clock.sleep(duration_s)
            counter.prepare_closing()
            bench.rig.divert_to_return()
            bench.clock.sleep(1.0)
            seen = counter.gated_pulses()
            gate_s = bench.rig.last_gate().duration_s
            rates_hz.append(seen.interpolated(gate_s) / gate_s)
            print("SEEN", seen, gate_s, seen.interpolated(gate_s) / gate_s, seen.count / gate_s)
            assert abs(seen.interpolated(gate_s) - seen.count) <= 1.001
    assert abs(rates_hz[0] / rates_hz[1] - 1.0) < 0.01
