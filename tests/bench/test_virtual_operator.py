"""The virtual operator, asked through his panel: what he does to the world, and what he sees of it. Kind: plant."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.dut.reference_meter.hardware.lcd import Glass
from meterbench.dut.reference_meter.hardware.power.supply import Place as Socket
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum
from meterbench.dut.reference_meter.metrology.interface import Alarm, Mode
from meterbench.errors import DeadlineExceeded
from meterbench.instruments.capabilities import OperatorTask
from meterbench.instruments.drivers import opener
from meterbench.instruments.operator import tasks
from meterbench.instruments.place import Place
from meterbench.world.clock import VirtualClock
from meterbench.world.plant import Plant, Slot
from tests.conftest import QUICK_METER, station_content

M1, M2 = "20000001", "20000002"


class Hall:
    """A virtual lab with an operator and a supply at slot 1."""

    def __init__(self, *meters: dict[str, Any], supply: bool = False) -> None:
        content = station_content(*(meters or (QUICK_METER, {**QUICK_METER, "serial": M2})))
        content["instruments"]["operator"] = {"driver": "operator_panel"}
        if supply:
            content["instruments"]["supply"] = {"driver": "rs_ngu201", "address": ["virtual"]}
        self.lab = VirtualLab(station.parse(content, "test"))
        self._addresses = self.lab.start()
        self.clock = VirtualClock(self.lab.advance)
        self._open: list[Any] = []
        self.panel = self.instrument("operator", "operator_panel")
        self.clock.sleep(1.0)

    def instrument(self, role: str, driver: str) -> Any:
        self._open.append(opener(driver)(Place(role, self._addresses[role][0], self.clock)))
        return self._open[-1]

    @property
    def plant(self) -> Plant:
        return self.lab.plant

    @property
    def meter(self) -> ReferenceMeter:
        return self.lab.meters[0]

    @property
    def slot(self) -> Slot:
        return self.plant.slots[0]

    def ask(self, task: OperatorTask) -> str:
        return str(self.panel.ask(task).answer)

    def flow(self) -> None:
        """Without a PLC: the valve of line B stands open, and the pump runs."""
        self.lab.plant.controllers.clear()
        self.lab.plant.line = "B"
        self.lab.plant.pump_percent = 100.0
        self.lab.plant.valves["B"].target = self.lab.plant.valves["B"].position = 0.5
        self.clock.sleep(5.0)
        assert self.plant.flow_l_h > 50.0

    def close(self) -> None:
        for each in self._open:
            each.close()
        self.lab.stop()


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.close()


def every_task() -> list[OperatorTask]:
    """One of each kind that ``tasks`` has."""
    return [
        tasks.mount(M1, 1),
        tasks.turn_round(M1, reverse=True),
        tasks.incline(M1, 90.0),
        tasks.fit_disturber(M1, "1", "upstream"),
        tasks.remove_disturber(M1),
        tasks.take_out(M1),
        tasks.put_back(M1),
        tasks.drain_line(),
        tasks.fill_line(),
        tasks.pressurise(M1, 1.6),
        tasks.read_gauge(M1),
        tasks.leak_check(M1),
        tasks.release_pressure(M1),
        tasks.magnet_on(M1, "M-7", "inlet end"),
        tasks.magnet_off(M1, "M-7"),
        tasks.electrostatic_discharge(M1, 6.0, "screw of the case", contact=True),
        tasks.field_on(M1, 435.0, 10.0, "vertical"),
        tasks.field_off(M1),
        tasks.vibration(M1, "Z", "10 to 150 Hz"),
        tasks.set_mode(M1, "TEST"),
        tasks.read_display(M1),
        tasks.read_icons(M1),
        tasks.read_software(M1),
        tasks.segment_test(M1),
        tasks.open_case(M1),
        tasks.close_case(M1),
        tasks.ancillary(M1, "wan", active=True),
        tasks.insert_source(M1, "C2"),
        tasks.remove_source(M1, "C2"),
        tasks.visual_check("Is the seal whole?"),
        tasks.watch_display(M1, 10.0),
        tasks.acknowledge(M1),
        tasks.set_clock(M1),
        tasks.move_valve(M1, closed=False),
        tasks.drain_capacitor(M1),
        tasks.present_nameplate(1),
        tasks.put_scanner_away(),
    ]


def test_every_task_is_known_and_takes_its_time() -> None:
    """A few seconds to two minutes; done, seen or judged good on a good meter."""
    hall = Hall(supply=True)
    try:
        listed = [*every_task(), tasks.connect_supply(M1, "backup"), tasks.disconnect_supply(M1)]
        makers = {name for name, made in vars(tasks).items() if callable(made) and not name.startswith("_")}
        assert len(listed) == len(makers - {"OperatorTask"}), "one of each"
        for task in listed:
            answer = hall.panel.ask(task)
            assert answer.answer not in ("not done", "no", "nothing to be seen"), task.name
            assert 4.0 <= answer.took_s <= 130.0, task.name
            assert answer.who == "virtual operator"
    finally:
        hall.close()


def test_another_meter_is_none_of_his(hall: Hall) -> None:
    """A serial number that is not in the line: not done, no, or no number."""
    for task in every_task():
        if task.details.get("meter"):
            strange = OperatorTask(
                task.name, task.instruction, task.choices, 1e4, details={**task.details, "meter": "99999999"}
            )
            assert hall.ask(strange) in ("not done", "no", "nothing to be seen"), task.name


def test_what_he_does_not_know_nobody_answers(hall: Hall) -> None:
    with pytest.raises(DeadlineExceeded, match="asked juggle"):
        hall.ask(OperatorTask("juggle", "Juggle.", ("done", "not done"), 60.0))


def test_in_the_line(hall: Hall) -> None:
    """Turned, inclined, taken out and put back, drained and filled: the world is as he says."""
    assert hall.ask(tasks.turn_round(M1, reverse=True)) == "done"
    assert (hall.slot.reversed, hall.plant.slots[1].reversed) == (True, False)
    assert hall.ask(tasks.turn_round(M1, reverse=False)) == "done"
    assert not hall.slot.reversed
    assert hall.ask(tasks.take_out(M2)) == "done"
    assert hall.plant.slots[1].taken_out
    assert hall.ask(tasks.put_back(M2)) == "done"
    assert not hall.plant.slots[1].taken_out
    assert hall.ask(tasks.mount(M1, 2)) == "not done", "its place is slot 1"
    assert hall.ask(tasks.drain_line()) == "done"
    assert hall.plant.drained
    hall.clock.sleep(60.0)
    assert "DRY" in hall.ask(tasks.read_icons(M1)).split(", ")
    assert hall.ask(tasks.fill_line()) == "done"
    assert not hall.plant.drained


@pytest.mark.parametrize(
    "task",
    [
        tasks.turn_round(M1, reverse=True),
        tasks.take_out(M1),
        tasks.fit_disturber(M1, "2", "upstream"),
        tasks.drain_line(),
        tasks.mount(M1, 1),
    ],
    ids=lambda task: task.name,
)
def test_nobody_opens_a_line_that_flows(hall: Hall, task: OperatorTask) -> None:
    hall.flow()
    assert hall.ask(task) == "not done"
    assert {hall.slot.reversed, hall.slot.taken_out, hall.plant.drained} == {False}


def test_a_tight_body_keeps_its_pressure(hall: Hall) -> None:
    """The gauge is class 0.6 of 4 MPa, and pumped a little beyond what was asked for."""
    shown = float(hall.ask(tasks.pressurise(M1, 1.6)))
    assert 1.6 < shown < 1.611
    true_mpa = hall.lab.operator._shut_in[M1].pressure_mpa
    assert abs(true_mpa - shown) <= 0.006 * 4.0
    hall.clock.sleep(900.0)
    assert float(hall.ask(tasks.read_gauge(M1))) == shown
    assert hall.ask(tasks.leak_check(M1)) == "yes"
    assert float(hall.ask(tasks.pressurise(M1, 2.0))) > 2.0
    assert hall.ask(tasks.release_pressure(M1)) == "done"
    assert hall.ask(tasks.read_gauge(M1)) == "nothing to be seen"
    assert hall.ask(tasks.release_pressure(M1)) == "not done"


def test_a_body_that_seeps_is_seen() -> None:
    """Also when it has stopped, because the pressure has fallen to where it is tight: the water is still there."""
    hall = Hall({**QUICK_METER, "truth": {"leak_above_mpa": 1.2}})
    try:
        before = float(hall.ask(tasks.pressurise(M1, 1.6)))
        hall.clock.sleep(900.0)
        after = float(hall.ask(tasks.read_gauge(M1)))
        assert after < 0.98 * before
        assert after >= 1.2 - 0.024
        assert hall.ask(tasks.leak_check(M1)) == "no"
        hall.clock.sleep(7 * 86_400.0)
        assert hall.ask(tasks.leak_check(M1)) == "no"
    finally:
        hall.close()


def test_pressure_falls_by_what_seeps(hall: Hall) -> None:
    """0.5 mL for 1 MPa: dp/dt = -k (p - p0)/C, an exponential towards where it is tight."""

    class Leaky:
        def seep_l_h(self, pressure_mpa: float) -> float:
            return max(0.0, 0.002 * (pressure_mpa - 1.0))

    hall.lab.operator._line[M1] = _with_body(hall, Leaky())
    start_mpa = float(hall.ask(tasks.pressurise(M1, 1.6))) - hall.lab.operator._gauge_error_mpa
    begun_s = hall.plant.now_s
    hall.clock.sleep(900.0)
    after_mpa = float(hall.ask(tasks.read_gauge(M1))) - hall.lab.operator._gauge_error_mpa
    passed_s = hall.plant.now_s - begun_s
    expected_mpa = 1.0 + (start_mpa - 1.0) * math.exp(-0.002 / 3600.0 / 0.0005 * passed_s)
    assert after_mpa == pytest.approx(expected_mpa, abs=5e-3)


def _with_body(hall: Hall, body: Any) -> Any:
    clamped = hall.lab.operator._line[M1]
    return type(clamped)(clamped.slot, clamped.meter, body, clamped.number)


def test_a_magnet_is_noticed_at_the_display_and_not_at_the_inlet(hall: Hall) -> None:
    """95 mT trip every Hall switch; anywhere that is not known is taken for the worst place."""
    fields_mt: list[float] = []
    hall.meter.expose, expose = lambda field_mt: (fields_mt.append(field_mt), expose(field_mt)), hall.meter.expose
    for position in ("indicating device", "transducer side", "inlet end", "somewhere else"):
        assert hall.ask(tasks.magnet_on(M1, "M-7", position)) == "done"
        assert hall.ask(tasks.magnet_off(M1, "M-7")) == "done"
    assert fields_mt == [95.0, 0.0, 20.0, 0.0, 5.0, 0.0, 95.0, 0.0]
    assert Alarm.MAGNET in Alarm(hall.meter.registers().alarms)
    assert "TAMPER" in hall.ask(tasks.read_icons(M1)).split(", ")


def test_discharges_strike_one_after_the_other(hall: Hall) -> None:
    """10 s apart, within a look of the panel; the answer comes after the last."""
    struck: list[tuple[float, float]] = []
    hall.meter.discharge = lambda level_kv: struck.append((hall.plant.now_s, level_kv))  # type: ignore[method-assign]
    assert hall.ask(tasks.electrostatic_discharge(M1, -8.0, "display window", contact=False)) == "done"
    assert [level_kv for _, level_kv in struck] == [-8.0] * 10
    gaps_s = [later - sooner for (sooner, _), (later, _) in pairwise(struck)]
    assert max(gaps_s) <= 20.0
    assert sum(gap_s < 1.0 for gap_s in gaps_s) == 0
    assert sum(gaps_s) == pytest.approx(90.0, abs=10.0)


@pytest.mark.parametrize(
    ("task", "hand", "given"),
    [
        (tasks.field_on(M1, 435.0, 10.0, "vertical"), "irradiate", (435.0, 10.0)),
        (tasks.fit_disturber(M1, "3", "downstream"), "disturb", ("3", "downstream")),
        (tasks.remove_disturber(M1), "disturb", ("", "")),
        (tasks.incline(M1, 45.0), "turn", (45.0,)),
    ],
    ids=lambda each: each.name if isinstance(each, OperatorTask) else None,
)
def test_the_meter_feels_what_he_does(hall: Hall, task: OperatorTask, hand: str, given: tuple[object, ...]) -> None:
    felt: list[tuple[object, ...]] = []
    real: Callable[..., None] = getattr(hall.meter, hand)
    setattr(hall.meter, hand, lambda *args: (felt.append(args), real(*args)))
    assert hall.ask(task) == "done"
    assert felt == [given]


def test_a_field_ends(hall: Hall) -> None:
    hall.ask(tasks.field_on(M1, 435.0, 10.0, "vertical"))
    assert hall.ask(tasks.field_off(M1)) == "done"
    assert hall.meter._influences._in_field == 0.0


def test_modes_are_what_the_display_says(hall: Hall) -> None:
    """From TRANSPORTATION no command leads out: ten litres do."""
    assert hall.ask(tasks.set_mode(M1, "TEST")) == "done"
    assert hall.meter.registers().mode is Mode.TEST
    assert hall.ask(tasks.set_mode(M1, "NORMAL")) == "done"
    assert hall.meter.registers().mode is Mode.NORMAL
    assert hall.ask(tasks.set_mode(M1, "TRANSPORTATION")) == "done"
    assert hall.ask(tasks.set_mode(M1, "TEST")) == "not done"
    assert hall.ask(tasks.set_mode(M1, "NORMAL")) == "not done"


def test_both_volumes_are_read_to_a_millilitre_in_test(hall: Hall) -> None:
    """As they stand on the display, cut off and with all digits; in service to a litre."""
    hall.ask(tasks.set_mode(M1, "TEST"))
    hall.flow()
    hall.plant.line = None
    hall.clock.sleep(30.0)
    total_l = hall.meter.registers().forward_l
    shown = hall.ask(tasks.read_display(M1))
    number, unit = shown.split()
    assert (unit, len(number)) == ("m³", 10)
    assert float(number) * 1000.0 == pytest.approx(total_l, abs=1e-3)
    assert hall.ask(tasks.read_display(M1, "reverse volume")) == "000.000000 m³"
    hall.ask(tasks.set_mode(M1, "NORMAL"))
    assert hall.ask(tasks.read_display(M1)) == f"{int(total_l) / 1000.0:010.3f} m³"
    assert hall.ask(tasks.read_display(M1, "colour")) == "nothing to be seen"


def test_software_is_read_off_the_display(hall: Hall) -> None:
    assert hall.ask(tasks.read_software(M1)) == f"{SOFTWARE_ID} {software_checksum()}"


def test_the_display_test_needs_every_segment(hall: Hall) -> None:
    """All on, then all off; a segment that stays dark is no, and so is a display that does not answer."""
    assert hall.ask(tasks.segment_test(M1)) == "yes"
    hall.meter.lcd = Glass(frozenset({"digit4.g"}))
    hall.meter.lcd.supply(True)
    assert hall.ask(tasks.segment_test(M1)) == "no"


def test_an_icon_that_is_not_lit_is_not_told(hall: Hall) -> None:
    assert hall.ask(tasks.read_icons(M1)) == "none"
    assert hall.ask(tasks.ancillary(M1, "wan", active=True)) == "done"
    assert hall.ask(tasks.read_icons(M1)) == "WAN"
    assert hall.ask(tasks.ancillary(M1, "wan", active=False)) == "done"
    assert hall.ask(tasks.ancillary(M1, "toaster", active=True)) == "not done"


def test_a_meter_that_is_off_shows_nothing(hall: Hall) -> None:
    """Both packs out, and its capacitor drained."""
    assert hall.ask(tasks.remove_source(M1, "C1")) == "done"
    assert hall.ask(tasks.remove_source(M1, "backup")) == "done"
    assert hall.ask(tasks.remove_source(M1, "C1")) == "not done", "there is none"
    hall.meter.fail_supply()
    hall.clock.sleep(10.0)
    for task in (tasks.read_display(M1), tasks.read_icons(M1), tasks.read_software(M1)):
        assert hall.ask(task) == "nothing to be seen"
    assert hall.ask(tasks.set_mode(M1, "TEST")) == "not done"
    assert hall.ask(tasks.segment_test(M1)) == "no"
    assert hall.ask(tasks.insert_source(M1, "C1")) == "done"
    hall.clock.sleep(600.0)
    assert "m³" in hall.ask(tasks.read_display(M1))


def test_the_leads_of_the_supply_go_where_they_are_put() -> None:
    """Into any place, with all packs out; the supply's current tells that they feed. Then the meter's own come back."""
    hall = Hall(supply=True)
    try:
        supply = hall.instrument("supply", "rs_ngu201")
        assert hall.ask(tasks.connect_supply(M2, "C1")) == "not done", "it has no supply"
        for name, place in (("EXTERNAL", Socket.EXTERNAL), ("backup", Socket.BACKUP), ("C1", Socket.C1)):
            assert hall.ask(tasks.connect_supply(M1, name)) == "done"
            assert hall.meter.packs == {place}
            hall.clock.sleep(7200.0)
            assert hall.meter.powered
            assert supply.measure().voltage_v == pytest.approx(3.6, abs=0.01)
            assert 0.005 < supply.measure().current_ma < 0.03, name
            assert hall.ask(tasks.remove_source(M1, name)) == "not done", "those are leads"
        assert hall.ask(tasks.disconnect_supply(M1)) == "done"
        assert hall.meter.packs == {Socket.C1, Socket.BACKUP}
        assert hall.meter.unit.board.supply.pack(Socket.C1).limit_ma == math.inf
        hall.clock.sleep(60.0)
        assert supply.measure().current_ma == pytest.approx(0.0, abs=25e-6)
        supply.set_output(2.9, 600.0)
        assert hall.ask(tasks.connect_supply(M1, "C1")) == "done"
        hall.clock.sleep(60.0)
        assert supply.measure().voltage_v == pytest.approx(2.9, abs=0.01)
    finally:
        hall.close()


def test_he_watches_the_display_go_round(hall: Hall) -> None:
    """Each screen once; nothing of a meter that is Off."""
    seen = hall.ask(tasks.watch_display(M1, 20.0)).split("; ")
    assert len(seen) == len(set(seen)) >= 4
    for place in hall.meter.packs:
        hall.meter.remove(place)
    hall.ask(tasks.drain_capacitor(M1))
    assert hall.ask(tasks.watch_display(M1, 10.0)) == "blank"


def test_he_closes_no_valve_against_running_water(hall: Hall) -> None:
    """The icon follows the valve."""
    assert hall.ask(tasks.move_valve(M1, closed=True)) == "done"
    assert "VALVE_CLOSED" in hall.ask(tasks.read_icons(M1))
    assert hall.ask(tasks.move_valve(M1, closed=False)) == "done"
    assert "VALVE_CLOSED" not in hall.ask(tasks.read_icons(M1))
    hall.flow()
    assert hall.ask(tasks.move_valve(M1, closed=True)) == "not done"


def test_he_acknowledges_what_is_over(hall: Hall) -> None:
    """A lid that is still open stays an alarm."""
    hall.ask(tasks.open_case(M1))
    hall.clock.sleep(5.0)
    hall.ask(tasks.acknowledge(M1))
    assert "TAMPER" in hall.ask(tasks.read_icons(M1))
    hall.ask(tasks.close_case(M1))
    hall.clock.sleep(30.0)
    hall.ask(tasks.acknowledge(M1))
    assert "TAMPER" not in hall.ask(tasks.read_icons(M1))
