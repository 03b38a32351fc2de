"""The magnet alarm: how long a field must stay (ADR-023, ADR-044)."""

from __future__ import annotations

from meterbench.dut.reference_meter.hardware.sensors.hall_switch import HallSwitch, RingMagnet
from meterbench.dut.reference_meter.metrology.sensors.magnet import Magnet


def test_a_field_must_stay_for_a_second() -> None:
    """At one second not yet; just beyond yes, and likewise when it goes."""
    magnet = Magnet()
    assert [magnet.update(True, now_s) for now_s in (0.0, 0.5, 1.0, 1.125)] == [False, False, False, True]
    assert [magnet.update(False, now_s) for now_s in (2.0, 3.0, 3.125)] == [True, True, False]


def test_a_magnet_carried_past_is_not_seen() -> None:
    """0.9 s of field, again and again, raise nothing."""
    magnet = Magnet()
    for number in range(20):
        magnet.update(True, 2.0 * number)
        magnet.update(True, 2.0 * number + 0.9)
        magnet.update(False, 2.0 * number + 1.0)
    assert not magnet.present


def test_a_magnet_brought_near_and_taken_away() -> None:
    """From the magnet's distance to the alarm: 30 mm is seen, 60 mm holds the switch as it was, 200 mm lets go."""
    switch, ring, magnet = HallSwitch(operate_mt=6.0, release_mt=4.0), RingMagnet(), Magnet()
    seen = []
    for now_s, distance_mm in enumerate((200, 200, 200, 30, 30, 30, 60, 60, 60, 200, 200, 200, 60, 60, 60)):
        switch.expose(ring.field_mt(distance_mm))
        seen.append(magnet.update(switch.on, float(now_s)))
    assert seen == [False] * 5 + [True] * 6 + [False] * 4
