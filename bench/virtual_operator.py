"""The person at the virtual bench: carries out every task of ``instruments.operator.tasks`` on the simulated world.

He handles meters, pipes and devices as a person would, and tells only what a person sees: a display, a gauge, water.
What a meter refuses, or what nobody could do while water flows, is ``not done``; what he cannot see is no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from meterbench.bench.supplied_meter import SuppliedMeter
from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import FITS, Place
from meterbench.dut.reference_meter.meter import USUAL_TRANSMISSIONS, ReferenceMeter
from meterbench.dut.reference_meter.metrology.interface import TAMPER, TICKS_PER_S, Refused, Screen
from meterbench.instruments.operator.operator_panel_sim import Work
from meterbench.instruments.operator.tasks import DONE, NO, NOT_DONE, YES
from meterbench.world.plant import Plant, Slot

NOTHING_SEEN = "nothing to be seen"
"""Where a number is asked for and there is none."""
STILL_L_H = 0.5
"""Nobody opens a line through which more than this flows."""
MAGNET_MT = {"indicating device": 95.0, "transducer side": 20.0, "inlet end": 5.0}
"""[design] Field of the test's ring magnet at the Hall switch, by where it is held: the switch is beside the display
(90..100 mT at the magnet's face, 20 mT 20 mm off it: iso4064.md 2.8). Anywhere else: as near as can be."""
ESD_SET_UP_S = 10.0
"""The gun is charged, and the coupling plane is laid out already: water flows into the tank meanwhile."""
ANY_MHZ = 80.0
"""Of a field of 0 V/m."""
BLANK_AFTER_S = 35.0
"""When the display test is looked at again: its second half."""
WAN_EVERY_S = 60.0
"""[design] A radio that is kept working sends so often; as delivered twice a day."""

GAUGE_FULL_MPA, GAUGE_CLASS_PERCENT = 4.0, 0.6
"""The gauge of the test pump; it is read to 1 kPa."""
SHUT_IN_L_MPA = 0.0005
"""What 0.2 L of water, the hose and the body give for 1 MPa (water alone 0.1 mL, the hose the rest) [design]."""
OVERSHOOT_MPA = (0.002, 0.010)
"""A hand pump is stopped so much above what was asked for."""
VISIBLE_L = 5e-5
"""One drop of water is seen."""
PRESSURE_STEP_MPA = 1e-3
"""A falling pressure is followed in such steps."""

Details = Mapping[str, str | float]


class Seeping(Protocol):
    """A meter's body under pressure."""

    def seep_l_h(self, pressure_mpa: float, /) -> float:
        """What comes out of it at a gauge pressure."""


class _CannotBe(Exception):
    """Nobody could do that, or see it."""


@dataclass(frozen=True, slots=True)
class _Clamped:
    """A meter of the line, and what belongs to it."""

    slot: Slot
    meter: ReferenceMeter
    body: Seeping
    number: int


@dataclass(slots=True)
class _ShutIn:
    """A meter on the test pump, shut in; lazily brought to the present."""

    body: Seeping
    pressure_mpa: float
    """True gauge pressure."""
    at_s: float
    out_l: float = 0.0
    """Water that has come out."""

    def live_to(self, now_s: float) -> None:
        """The pressure falls by what seeps out."""
        while self.at_s < now_s and (seep_l_h := self.body.seep_l_h(self.pressure_mpa)) > 0.0:
            fall_mpa_s = seep_l_h / 3600.0 / SHUT_IN_L_MPA
            step_s = min(now_s - self.at_s, PRESSURE_STEP_MPA / fall_mpa_s)
            self.at_s += step_s
            self.out_l += seep_l_h / 3600.0 * step_s
            self.pressure_mpa = max(0.0, self.pressure_mpa - fall_mpa_s * step_s)
        self.at_s = now_s


class VirtualOperator:
    """Touched only in the lab's loop. ``supplied``: meters with a laboratory supply, by serial number."""

    def __init__(
        self, plant: Plant, meters: Sequence[ReferenceMeter], bodies: Sequence[Seeping], rng: np.random.Generator
    ) -> None:
        """Meters and bodies in the order of the plant's slots; ``rng`` draws his gauge and his hand."""
        self.supplied: dict[str, SuppliedMeter] = {}
        self._plant = plant
        self._rng = rng
        self._gauge_error_mpa = float(rng.uniform(-0.5, 0.5)) * GAUGE_CLASS_PERCENT / 100.0 * GAUGE_FULL_MPA
        self._line = {
            meter.nameplate.serial: _Clamped(slot, meter, body, number)
            for number, (slot, meter, body) in enumerate(zip(plant.slots, meters, bodies, strict=True), start=1)
        }
        self._shut_in: dict[str, _ShutIn] = {}
        self.presented: str | None = None
        """What the label before the scanner says."""
        self._lit: list[frozenset[str]] = []
        """What was seen of the display test so far."""

    def begin(self, name: str, details: Details) -> Work | None:
        """How the task is carried out; None if he does not know it: then nobody answers."""
        if name == "discharge":
            return self._discharges(details)
        if name == "segment_test":
            return self._display_test(details)
        if name == "watch_display":
            return self._display_watch(details)
        if name in _TO_DO:
            takes_s, do = _TO_DO[name]
            return Work(takes_s, lambda: self._done(do, details))
        if name in _TO_JUDGE:
            takes_s, judge = _TO_JUDGE[name]
            return Work(takes_s, lambda: self._judged(judge, details))
        if name in _TO_TELL:
            takes_s, tell = _TO_TELL[name]
            return Work(takes_s, lambda: self._told(tell, details))
        return None

    def _done(self, do: Callable[[VirtualOperator, Details], None], details: Details) -> str:
        try:
            do(self, details)
        except (_CannotBe, Refused, ValueError):
            return NOT_DONE
        return DONE

    def _judged(self, judge: Callable[[VirtualOperator, Details], bool], details: Details) -> str:
        try:
            return YES if judge(self, details) else NO
        except (_CannotBe, Refused, ValueError):
            return NO

    def _told(self, tell: Callable[[VirtualOperator, Details], str], details: Details) -> str:
        try:
            return tell(self, details)
        except (_CannotBe, Refused, ValueError):
            return NOTHING_SEEN

    def _at(self, details: Details) -> _Clamped:
        found = self._line.get(str(details["meter"]))
        if found is None:
            raise _CannotBe(f"there is no meter {details['meter']} here")
        return found

    def _meter(self, details: Details) -> ReferenceMeter:
        return self._at(details).meter

    def _require_still(self) -> None:
        if abs(self._plant.flow_l_h) > STILL_L_H:
            raise _CannotBe(f"{self._plant.flow_l_h:.1f} L/h flow through the line")

    # In the line.

    def _mount(self, details: Details) -> None:
        self._require_still()
        place = self._at(details)
        if int(details["slot"]) != place.number:
            raise _CannotBe(f"the line has no room for it in slot {details['slot']}")
        place.slot.taken_out = place.slot.reversed = False

    def _turn_round(self, details: Details) -> None:
        self._require_still()
        self._at(details).slot.reversed = _meant(_DIRECTIONS, details["direction"])

    def _incline(self, details: Details) -> None:
        self._require_still()
        self._meter(details).turn(float(details["inclination_deg"]))

    def _fit_disturber(self, details: Details) -> None:
        self._require_still()
        self._meter(details).disturb(str(details["disturber"]), str(details["place"]))

    def _remove_disturber(self, details: Details) -> None:
        self._require_still()
        self._meter(details).disturb("", "")

    def _take_out(self, details: Details) -> None:
        self._require_still()
        self._at(details).slot.taken_out = True

    def _put_back(self, details: Details) -> None:
        self._require_still()
        self._at(details).slot.taken_out = False

    def _drain_line(self, _: Details) -> None:
        self._require_still()
        self._plant.drained = True

    def _fill_line(self, _: Details) -> None:
        self._plant.drained = False

    # On the pressure stand.

    def _pressurise(self, details: Details) -> str:
        self._require_still()
        place, serial = self._at(details), str(details["meter"])
        shown_mpa = float(details["pressure_mpa"]) + float(self._rng.uniform(*OVERSHOOT_MPA))
        before = self._shut_in.get(serial)
        if before is not None:
            before.live_to(self._plant.now_s)
        self._shut_in[serial] = _ShutIn(
            place.body, shown_mpa - self._gauge_error_mpa, self._plant.now_s, before.out_l if before else 0.0
        )
        return self._read_gauge(details)

    def _read_gauge(self, details: Details) -> str:
        shut_in = self._shut_in.get(str(details["meter"]))
        if shut_in is None:
            raise _CannotBe("it is not on the test pump")
        shut_in.live_to(self._plant.now_s)
        return f"{max(0.0, shut_in.pressure_mpa + self._gauge_error_mpa):.3f}"

    def _leak_check(self, details: Details) -> bool:
        """Off the test pump, what the pressure of the line drives out."""
        place = self._at(details)
        shut_in = self._shut_in.get(str(details["meter"]))
        if shut_in is not None:
            shut_in.live_to(self._plant.now_s)
            return shut_in.out_l < VISIBLE_L and not place.body.seep_l_h(shut_in.pressure_mpa) > 0.0
        line_mpa = self._plant.pressure_upstream_kpa / 1000.0
        return not (place.body.seep_l_h(line_mpa) > 0.0 or (line_mpa > 0.0 and place.slot.leak_l_h > 0.0))

    def _release_pressure(self, details: Details) -> None:
        if self._shut_in.pop(str(details["meter"]), None) is None:
            raise _CannotBe("it is not on the test pump")

    # Disturbances.

    def _magnet_on(self, details: Details) -> None:
        self._meter(details).expose(MAGNET_MT.get(str(details["position"]), max(MAGNET_MT.values())))

    def _magnet_off(self, details: Details) -> None:
        self._meter(details).expose(0.0)

    def _field_on(self, details: Details) -> None:
        self._meter(details).irradiate(float(details["frequency_mhz"]), float(details["level_v_m"]))

    def _field_off(self, details: Details) -> None:
        self._meter(details).irradiate(ANY_MHZ, 0.0)

    def _vibration(self, details: Details) -> None:
        """Nothing in the reference meter minds it."""
        self._meter(details)

    def _discharges(self, details: Details) -> Work:
        """Each at its time."""
        apart_s, level_kv = float(details["apart_s"]), float(details["level_kv"])
        times_s = [ESD_SET_UP_S + number * apart_s for number in range(int(details["discharges"]))]

        def discharge() -> None:
            if (place := self._line.get(str(details["meter"]))) is not None:
                place.meter.discharge(level_kv)

        last_s = times_s[-1] if times_s else 0.0
        return Work(
            last_s + 1.0,
            lambda: self._done(lambda operator, said: operator._require(said, discharges=bool(times_s)), details),
            [(at_s, discharge) for at_s in times_s],
        )

    def _require(self, details: Details, *, discharges: bool) -> None:
        self._at(details)
        if not discharges:
            raise _CannotBe("no discharge was asked for")

    # At the meter.

    def _set_mode(self, details: Details) -> None:
        """By command; whether it was carried out, the display tells."""
        meter, mode = self._meter(details), str(details["mode"])
        match mode:
            case "TEST":
                meter.commands.enter_test()
            case "TRANSPORTATION":
                meter.commands.enter_transportation()
            case _:
                meter.commands.leave_test()
        seen = meter.look()
        shown = "TEST" if "TEST" in seen.captions else "NORMAL"
        if "TRANSPORTATION" in seen.icons:
            shown = "TRANSPORTATION"
        if shown != mode:
            raise _CannotBe(f"its display says {shown}")

    def _read_display(self, details: Details) -> str:
        """With all digits, as they stand there, and the unit."""
        screen, caption = _meant(_SCREENS, details["screen"])
        return " ".join(filter(None, self._read(self._meter(details), screen, caption)))

    def _read(self, meter: ReferenceMeter, screen: Screen, caption: str) -> tuple[str, str]:
        """Text and unit of a screen, if its caption is lit."""
        meter.commands.show(screen)
        seen = meter.look()
        meter.commands.show(None)
        if (caption and caption not in seen.captions) or not seen.text.strip():
            raise _CannotBe(f"no {caption} on the display: {seen}")
        return seen.text.strip(), seen.unit

    def _read_icons(self, details: Details) -> str:
        """At one glance: the plus, which blinks, may be dark in it."""
        seen = self._meter(details).look()
        if not seen.text.strip():
            raise _CannotBe("the display is blank")
        return ", ".join(sorted(seen.icons)) or "none"

    def _read_software(self, details: Details) -> str:
        """Letters on seven segments have one case only: they are written as capitals."""
        meter = self._meter(details)
        identifier, _ = self._read(meter, Screen.SOFTWARE, "SW")
        checksum, _ = self._read(meter, Screen.CHECKSUM, "CRC")
        return f"{identifier} {checksum}".upper()

    def _display_test(self, details: Details) -> Work:
        """All segments are looked at while they have to be on, and again when they have to be off."""

        def start() -> None:
            self._lit = []
            if (place := self._line.get(str(details["meter"]))) is not None and place.meter.powered:
                place.meter.commands.show(Screen.SEGMENT_TEST)
                place.meter.look()
                self._lit.append(place.meter.lcd.lit)

        return Work(
            10.0 + BLANK_AFTER_S, lambda: self._judged(VirtualOperator._all_on_then_off, details), [(10.0, start)]
        )

    def _all_on_then_off(self, details: Details) -> bool:
        meter = self._meter(details)
        meter.look()
        self._lit.append(meter.lcd.lit)
        meter.commands.show(None)
        return self._lit == [frozenset(WIRING), frozenset()]

    def _open_case(self, details: Details) -> None:
        self._meter(details).open_case()

    def _close_case(self, details: Details) -> None:
        self._meter(details).close_case()

    def _ancillary(self, details: Details) -> None:
        """A valve that works is closed and opened once: water has to flow afterwards."""
        meter, active = self._meter(details), str(details["active"]) == "yes"
        match str(details["device"]):
            case "wan":
                meter.commands.report_wan(4 if active else None)
                meter.transmissions = tuple((radio, WAN_EVERY_S) for radio, _ in USUAL_TRANSMISSIONS) if active else ()
            case "valve":
                if active:
                    self._require_still()
                    meter.close_valve(True)
                meter.close_valve(False)
            case device:
                raise _CannotBe(f"it has no {device}")

    def _display_watch(self, details: Details) -> Work:
        """A look every second; each screen is entered once."""
        seen: list[str] = []
        watch_s = float(details["watch_s"])

        def look() -> None:
            if (place := self._line.get(str(details["meter"]))) is not None:
                glass = place.meter.look()
                words = (glass.text.strip(), glass.unit, *sorted(glass.captions))
                if (screen := " ".join(filter(None, words))) and screen not in seen:
                    seen.append(screen)

        looks = [(float(at_s), look) for at_s in range(1, int(watch_s) + 1)]
        return Work(watch_s + 5.0, lambda: self._told(lambda operator, said: operator._saw(said, seen), details), looks)

    def _saw(self, details: Details, screens: Sequence[str]) -> str:
        self._at(details)
        return "; ".join(screens) or "blank"

    def _acknowledge(self, details: Details) -> None:
        """Those that stay when their cause is gone."""
        self._meter(details).commands.acknowledge(TAMPER)

    def _set_clock(self, details: Details) -> None:
        """By the world's own count, as production has set it."""
        self._meter(details).commands.set_clock(round(self._plant.now_s * TICKS_PER_S))

    def _move_valve(self, details: Details) -> None:
        closed = _meant(_POSITIONS, details["position"])
        if closed:
            self._require_still()
        self._meter(details).close_valve(closed)

    def _drain_capacitor(self, details: Details) -> None:
        self._meter(details).fail_supply()

    def _present_nameplate(self, details: Details) -> None:
        """The label of whatever is clamped in the slot."""
        number = int(details["slot"])
        found = [serial for serial, place in self._line.items() if place.number == number]
        if not found:
            raise _CannotBe(f"there is no slot {number}")
        self.presented = found[0]

    def _put_scanner_away(self, _: Details) -> None:
        self.presented = None

    # Its sources.

    def _insert_source(self, details: Details) -> None:
        place = _place(details)
        self._meter(details).insert(place, fresh_pack(FITS[place]))

    def _remove_source(self, details: Details) -> None:
        place, supplied = _place(details), self.supplied.get(str(details["meter"]))
        if supplied is not None and supplied.place is place:
            raise _CannotBe("the leads of the supply are there, and no battery")
        self._meter(details).remove(place)

    def _connect_supply(self, details: Details) -> None:
        self._supply(details).connect(_place(details))

    def _disconnect_supply(self, details: Details) -> None:
        self._supply(details).disconnect()

    def _supply(self, details: Details) -> SuppliedMeter:
        supplied = self.supplied.get(str(details["meter"]))
        if supplied is None:
            raise _CannotBe("no supply stands beside it")
        return supplied

    def _visual_check(self, _: Details) -> bool:
        """Nothing of the reference meter looks wrong."""
        return True


_DIRECTIONS = {"forward": False, "reverse": True}
_POSITIONS = {"closed": True, "open": False}
_SCREENS = {
    "volume": (Screen.VOLUME, "TOTAL"),
    "reverse volume": (Screen.REVERSE_VOLUME, "REVERSE"),
    "flow rate": (Screen.FLOW, ""),
    "ambient temperature": (Screen.AMBIENT_TEMPERATURE, "AMBIENT"),
    "date": (Screen.DATE, ""),
    "time": (Screen.TIME, ""),
    "info code": (Screen.INFO_CODE, "INFO"),
}
"""By the words of the task; the caption that must be lit, if the screen has one."""
_PLACES = {place.name: place for place in Place}

T = TypeVar("T")


def _meant(choices: Mapping[str, T], word: str | float) -> T:
    """What a word of the task means."""
    if str(word) not in choices:
        raise _CannotBe(f"{word!r} means nothing here; known are {', '.join(choices)}")
    return choices[str(word)]


def _place(details: Details) -> Place:
    return _meant(_PLACES, str(details["source"]).upper())


_TO_DO: dict[str, tuple[float, Callable[[VirtualOperator, Details], None]]] = {
    "mount": (25.0, VirtualOperator._mount),
    "turn_round": (25.0, VirtualOperator._turn_round),
    "incline": (20.0, VirtualOperator._incline),
    "fit_disturber": (25.0, VirtualOperator._fit_disturber),
    "remove_disturber": (25.0, VirtualOperator._remove_disturber),
    "take_out": (25.0, VirtualOperator._take_out),
    "put_back": (25.0, VirtualOperator._put_back),
    "drain_line": (20.0, VirtualOperator._drain_line),
    "fill_line": (25.0, VirtualOperator._fill_line),
    "release_pressure": (12.0, VirtualOperator._release_pressure),
    "magnet_on": (8.0, VirtualOperator._magnet_on),
    "magnet_off": (8.0, VirtualOperator._magnet_off),
    "field_on": (12.0, VirtualOperator._field_on),
    "field_off": (8.0, VirtualOperator._field_off),
    "vibration": (40.0, VirtualOperator._vibration),
    "set_mode": (12.0, VirtualOperator._set_mode),
    "open_case": (8.0, VirtualOperator._open_case),
    "close_case": (8.0, VirtualOperator._close_case),
    "ancillary": (12.0, VirtualOperator._ancillary),
    "acknowledge": (8.0, VirtualOperator._acknowledge),
    "set_clock": (8.0, VirtualOperator._set_clock),
    "move_valve": (8.0, VirtualOperator._move_valve),
    "drain_capacitor": (12.0, VirtualOperator._drain_capacitor),
    "present_nameplate": (8.0, VirtualOperator._present_nameplate),
    "put_scanner_away": (5.0, VirtualOperator._put_scanner_away),
    "insert_source": (12.0, VirtualOperator._insert_source),
    "remove_source": (12.0, VirtualOperator._remove_source),
    "connect_supply": (20.0, VirtualOperator._connect_supply),
    "disconnect_supply": (20.0, VirtualOperator._disconnect_supply),
}
"""By the task's name: how many seconds it takes, and what is done at their end. He is quick: nobody waits for him."""
_TO_JUDGE: dict[str, tuple[float, Callable[[VirtualOperator, Details], bool]]] = {
    "leak_check": (12.0, VirtualOperator._leak_check),
    "visual_check": (8.0, VirtualOperator._visual_check),
}
_TO_TELL: dict[str, tuple[float, Callable[[VirtualOperator, Details], str]]] = {
    "pressurise": (40.0, VirtualOperator._pressurise),
    "read_gauge": (8.0, VirtualOperator._read_gauge),
    "read_display": (8.0, VirtualOperator._read_display),
    "read_icons": (8.0, VirtualOperator._read_icons),
    "read_software": (12.0, VirtualOperator._read_software),
}
