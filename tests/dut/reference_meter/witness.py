"""Somebody who stands beside a meter, does things to it, and knows what must follow.

``Witness`` does to it what hands and water do, and works out for itself what must follow:
volumes from the true flow, alarms from ``alarm_oracle``, modes, sources and records from what was done. All is checked
after every step, the records also as a whole at the end.

Time is told by the meter's own clock, which is held against that of the world: it may be off by what a crystal may
(20 ppm as sold, and 60 ppm for 40 K beside its turnover), and by a cycle.

Volumes: 0.3 % of what flowed for the unit's calibration; 7 ps (0.04 L/h at DN15) for as long as anything flows, as the
zero may be off by 6 ps (four standard deviations of its drift) and 1 ps of calibration; where the flow changes, what
can be done with it then: 4 s of a flow below 8 L/h and 18 mL of one near the threshold, which 64 s may pass to notice;
a cycle of the grid; for an empty pipe, a second of the flow before and three of the one after.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.power.pack import Pack, fresh_pack
from meterbench.dut.reference_meter.hardware.power.supply import Place
from meterbench.dut.reference_meter.meter import Fidelity, ReferenceMeter
from meterbench.dut.reference_meter.metrology.modes import Mode
from meterbench.dut.reference_meter.metrology.power.places import Place as FirmwarePlace
from meterbench.dut.reference_meter.metrology.power.places import Source
from meterbench.dut.reference_meter.metrology.records.event_log import Event, EventCode, LogType
from meterbench.dut.reference_meter.metrology.records.profile import Period
from meterbench.dut.reference_meter.metrology.refusal import Refused
from meterbench.dut.reference_meter.metrology.registers import Registers
from meterbench.dut.reference_meter.metrology.status import Alarm, Status
from meterbench.world.segment import Course, Segment
from tests.dut.reference_meter.alarm_oracle import FLOW_ALARMS, PS_PER_L_H, AlarmOracle, Expected
from tests.dut.reference_meter.line import make

ZERO_PS = 7.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICKS_S = 8
HOUR = 3600 * TICKS_S
CRYSTAL = 100e-6
DAY_S = 86_400.0
BEGIN_S = (datetime(2024, 2, 26, 12, 34, 56, tzinfo=UTC) - EPOCH).total_seconds() + 0.3
"""Some days before the end of a leap year's February."""
TEST_S = 86_400
TRANSPORT_NL = 10 * 10**9
KEPT_EVENTS = 120
CAPACITY_MAH = {Place.C1: 7700.0, Place.C2: 7700.0, Place.BACKUP: 1200.0, Place.EXTERNAL: 5200.0}
CELLS = {
    Place.C1: ("LS26500", 1),
    Place.C2: ("LS26500", 1),
    Place.BACKUP: ("LS14250", 1),
    Place.EXTERNAL: ("LS14500", 2),
}
SOURCES = (
    (Source.EXTERNAL, (Place.EXTERNAL,)),
    (Source.MAIN, (Place.C1, Place.C2)),
    (Source.BACKUP, (Place.BACKUP,)),
)
MARKS = Status.CLOCK_INVALID | Status.CLOCK_SET | Status.POWER_LOST | Status.CAPTURES_MISSED
GATHERED = Status.CLOCK_SET | Status.POWER_LOST | Status.CAPTURES_MISSED
LOW_GROUPS = {
    Alarm.LOW_BATTERY_EXTERNAL: ((Place.EXTERNAL,),),
    Alarm.LOW_BATTERY_INTERNAL: ((Place.C1, Place.C2), (Place.BACKUP,)),
}
"""A source is low as a whole; the internal warning is for two of them."""
FLOW_CODES = {
    EventCode.DRY_BEGAN: (Alarm.DRY, True),
    EventCode.DRY_ENDED: (Alarm.DRY, False),
    EventCode.REVERSE_BEGAN: (Alarm.REVERSE, True),
    EventCode.REVERSE_ENDED: (Alarm.REVERSE, False),
    EventCode.LEAK_BEGAN: (Alarm.LEAK, True),
    EventCode.LEAK_ENDED: (Alarm.LEAK, False),
    EventCode.BURST_BEGAN: (Alarm.BURST, True),
    EventCode.BURST_ENDED: (Alarm.BURST, False),
}
OTHER_CODES = {
    EventCode.CASE_OPENED: (Alarm.CASE_OPEN, True),
    EventCode.CASE_CLOSED: (Alarm.CASE_OPEN, False),
    EventCode.MAGNET_BEGAN: (Alarm.MAGNET, True),
    EventCode.MAGNET_ENDED: (Alarm.MAGNET, False),
    EventCode.TILT_BEGAN: (Alarm.TILT, True),
    EventCode.TILT_ENDED: (Alarm.TILT, False),
    EventCode.LOW_BATTERY_INTERNAL_BEGAN: (Alarm.LOW_BATTERY_INTERNAL, True),
    EventCode.LOW_BATTERY_INTERNAL_ENDED: (Alarm.LOW_BATTERY_INTERNAL, False),
    EventCode.LOW_BATTERY_EXTERNAL_BEGAN: (Alarm.LOW_BATTERY_EXTERNAL, True),
    EventCode.LOW_BATTERY_EXTERNAL_ENDED: (Alarm.LOW_BATTERY_EXTERNAL, False),
}
SOURCE, MODE = EventCode.SOURCE_CHANGED, EventCode.MODE_CHANGED
ALARM_CODES = FLOW_CODES | OTHER_CODES
WATCHED_FLOW = Alarm(sum(FLOW_ALARMS))
TAMPER_SETTLES_S = {
    Alarm.CASE_OPEN: ((0.08, 1.0), (0.08, 1.0)),
    Alarm.MAGNET: ((1.0, 2.5), (1.0, 2.5)),
    Alarm.TILT: ((60.0, 85.0), (0.0, 25.0)),
}
"""No sooner than and no later than, for coming and for going: 80 ms of contact; 1 s of field, looked at twice a second;
a minute of position, looked at every ten seconds."""
LOW_BATTERY = Alarm.LOW_BATTERY_INTERNAL | Alarm.LOW_BATTERY_EXTERNAL
TAMPER = Alarm.CASE_OPEN | Alarm.MAGNET | Alarm.TILT
NOTICED_S = 70.0
"""All means have forgotten what was before, and an empty pipe is known to be filled again."""
CHECKED_S = 3 * 3600.0 + 60.0
"""Within so long three hourly checks have been made, and that of the exchange."""
GOOD_V, DEAD_V = 3.4, 2.75
"""Above and below, a pack's open voltage leaves no doubt at any temperature and under the test load."""


def _source(number: int) -> Source:
    return tuple(Source)[number]


def _mode(number: int) -> Mode:
    return tuple(Mode)[number]


def pack_for(place: Place, charge: float) -> Pack:
    """A pack that fits, with so much of its charge left."""
    pack = fresh_pack(*CELLS[place])
    pack.wear((1.0 - charge) * CAPACITY_MAH[place])
    return pack


@dataclass(frozen=True, slots=True)
class Stretch:
    """Water of one kind."""

    duration_s: float
    flow_l_h: float
    wet: bool = True


@dataclass(slots=True)
class Row:
    """What the witness expects of a record."""

    clock_ticks: int
    marks: Status
    alarms: Alarm
    maybe: Alarm
    """Alarms that came or went so near the record that either is right."""
    low_nl: tuple[int, int]
    high_nl: tuple[int, int]


@dataclass(slots=True)
class Contact:
    """A tamper sensor: what is done to it, since when, and what was settled before."""

    on: bool = False
    since: float = -math.inf
    """In ticks that were lived."""
    settled: bool = False
    latched: bool = False


@dataclass(slots=True)
class Slot:
    """What the firmware may know of a place."""

    pack: Pack | None = None
    settled_at: float = 0.0
    """In ticks that were lived: then three checks have been made since anything changed."""
    known_good: bool = False
    counted: bool = True
    """False if the pack was changed while the meter was Off: nobody told it that this is another one."""


@dataclass
class Witness:
    """Does things to a meter, and checks what it makes of them."""

    dn: int = 15
    fidelity: Fidelity = Fidelity.AUTO
    meter: ReferenceMeter = field(init=False)
    now_s: float = BEGIN_S

    def __post_init__(self) -> None:
        self.meter = make(self.dn, fidelity=self.fidelity)
        self.zero_l_h = ZERO_PS / PS_PER_L_H[self.dn]
        self.flow_l_h, self.wet = 0.0, True
        self.unnoticed_l = 0.0
        """What changes of the flow may still have to be made good, as they were less than ``NOTICED_S`` ago."""
        self.oracle = AlarmOracle(self.dn)
        self.meter.advance(Segment(self.now_s, 1.0, 0.0, 20.0, 0.5))
        self.now_s += 1.0
        self.seen = self.meter.registers()
        self.oracle.see(round(TICKS_S * 1.0), 0.0)
        self.offset = self.seen.clock_ticks - self.oracle.tick
        self.expected: list[Expected] = []
        self.found: list[tuple[int, Alarm, bool]] = []
        self.events: dict[LogType, list[Event]] = {log: [] for log in LogType}
        self.slots = {place: Slot() for place in Place}
        for place in (Place.C1, Place.BACKUP):
            self.slots[place] = Slot(self.meter.unit.board.supply.pack(place), 0.0, known_good=True)
        self.contacts = {alarm: Contact() for alarm in TAMPER_SETTLES_S}
        self.clock_invalid = False
        self.sticky = Status(0)
        self.rows: list[Row] = []
        self.present = self.latched = self.since_row = Alarm(0)
        self.near_row = Alarm(0)
        self.test_until: int | None = None
        self.transport_from_nl: int | None = None
        self.dark: tuple[list[Stretch], dict[Place, Slot]] | None = None
        """While the meter is Off: the water in which it went, and the packs that it had then."""
        self.unannounced_l_h: float | None = None
        """The flow at a loss that nothing announced."""
        self.source_was, self.mode_was = Source.MAIN, Mode.NORMAL
        self.to_push = Alarm(0)
        self.new_events()

    # What passes.

    def live(self, *stretches: Stretch, at_once: bool = False) -> None:
        """Water flows through the meter."""
        if at_once:
            edges_s = self.now_s + np.concatenate(([0.0], np.cumsum([part.duration_s for part in stretches])))
            flows = np.array([part.flow_l_h for part in stretches])
            self.meter.live(Course(edges_s, flows, np.full(len(flows), 20.0), np.full(len(flows), 0.5)))
            self.now_s = float(edges_s[-1])
            self.passed(list(stretches))
            return
        for part in stretches:
            fill = 1.0 if part.wet else 0.0
            self.meter.advance(Segment(self.now_s, part.duration_s, part.flow_l_h, 20.0, 0.5, fill))
            self.now_s += part.duration_s
            self.passed([part])

    def live_unseen(self, segments: list[Stretch], course: Stretch) -> None:
        """Segments and a course, and a look at the meter only after all of them."""
        for part in segments:
            self.meter.advance(Segment(self.now_s, part.duration_s, part.flow_l_h, 20.0, 0.5))
            self.now_s += part.duration_s
        edges_s = self.now_s + np.array([0.0, course.duration_s])
        self.meter.live(Course(edges_s, np.full(1, course.flow_l_h), np.full(1, 20.0), np.full(1, 0.5)))
        self.now_s = float(edges_s[-1])
        self.passed([*segments, course])

    def on(self, duration_s: float) -> None:
        """What flows goes on."""
        self.live(Stretch(duration_s, self.flow_l_h, self.wet))

    def passed(self, stretches: list[Stretch]) -> None:
        """Stretches of water have been lived through."""
        if not self.meter.powered:
            if self.dark is None:
                self.dark = stretches, dict(self.slots)
            return
        started = any(event.code is EventCode.STARTED_AFTER_POWER_LOSS for event in self.unread(LogType.STANDARD))
        if started:
            self.came_back(*(self.dark or (stretches, dict(self.slots))))
            return
        after = self.meter.registers()
        ticks = after.clock_ticks - self.seen.clock_ticks
        seconds = math.fsum(part.duration_s for part in stretches)
        assert abs(ticks - TICKS_S * seconds) <= 1.0 + CRYSTAL * TICKS_S * seconds, "the clock is not that of the world"
        self.lived(stretches, ticks, after, self.new_events())

    def came_back(self, dark: list[Stretch], slots: dict[Place, Slot]) -> None:
        """The supply was lost, and is back: what of it was lived through, the first start's clock tells."""
        self.dark = None
        new = self.new_events()
        started = [event for event in new if event.code is EventCode.STARTED_AFTER_POWER_LOSS]
        assert len(started) == 1, "one start for one loss"
        (start,) = started
        new.remove(start)
        earlier = [event for event in new if self.came_before(event, start)]
        later = [event for event in new if not self.came_before(event, start)]
        after = self.meter.registers()
        ticks = start.clock_ticks - self.seen.clock_ticks
        flow, self.unannounced_l_h = self.unannounced_l_h, None
        if ticks < 0:
            assert flow is not None, "an orderly loss takes nothing back"
            assert ticks >= -TICKS_S, "more than the last second is gone"
            assert self.seen.forward_nl - after.forward_nl <= self.most_nl(flow, 1.0)
            assert self.seen.reverse_nl - after.reverse_nl <= self.most_nl(-flow, 1.0)
            self.oracle.tick += ticks
            self.seen = replace(after, clock_ticks=start.clock_ticks)
        else:
            assert len(dark) == 1, "one kind of water at a time where the supply may fail"
            part = dark[0]
            whole = ticks >= TICKS_S * part.duration_s - 2
            lived_s = part.duration_s if whole else ticks / TICKS_S
            mid = replace(after, clock_ticks=start.clock_ticks)
            if ticks > 0:
                slots, self.slots = self.slots, slots
                self.lived([Stretch(lived_s, part.flow_l_h, part.wet)], ticks, mid, earlier, lost=True)
                self.slots = slots
        self.flow_l_h, self.wet = 0.0, True  # Until it is back, no water is let through.
        self.sticky |= Status.POWER_LOST
        self.clock_invalid = True
        self.oracle.restart(self.oracle.tick)
        settle = self.oracle.tick
        for contact in self.contacts.values():
            contact.since = max(contact.since, settle)
        for slot in self.slots.values():
            if slot.settled_at == math.inf:
                slot.settled_at = settle + CHECKED_S * TICKS_S
            elif not slot.known_good:
                slot.settled_at = max(slot.settled_at, settle)
        ticks = after.clock_ticks - start.clock_ticks
        self.lived([Stretch(max(ticks, 1) / TICKS_S, 0.0)], ticks, after, later)

    @staticmethod
    def came_before(event: Event, start: Event) -> bool:
        if event.log is start.log:
            return event.number < start.number
        return event.clock_ticks < start.clock_ticks

    def lived(
        self, stretches: list[Stretch], ticks: int, after: Registers, new: list[Event], *, lost: bool = False
    ) -> None:
        """So many ticks of these stretches were lived through; the registers then."""
        before, begin = self.seen, self.oracle.tick
        self.check_volume(stretches, before, after)
        seconds = math.fsum(part.duration_s for part in stretches)
        passed_s, done = 0.0, 0
        for part in stretches:
            passed_s += part.duration_s
            until = ticks if part is stretches[-1] else round(ticks * passed_s / seconds)
            self.oracle.see(until - done, part.flow_l_h, part.wet, 0 if len(stretches) == 1 else 1)
            done = until
        moved_l = (abs(self.flow_l_h) + 3.0 * abs(stretches[-1].flow_l_h)) / 3600.0
        self.flow_l_h, self.wet = stretches[-1].flow_l_h, stretches[-1].wet
        self.seen = after
        self.check_flow_alarms(new)
        self.expect_rows(begin, ticks, before, after, moved_l, len(stretches) == 1, new)
        self.check_modes(begin, before, after, stretches, new, lost=lost)
        if not lost:
            self.check_sources(after)
            self.check_tamper(after)
            self.check_flags(after)

    # Volumes.

    @staticmethod
    def most_nl(flow_l_h: float, seconds: float) -> float:
        """What flows forward in so long, with 1 % and 20 mL for the meter."""
        return (max(flow_l_h, 0.0) * 1.01 * seconds / 3600.0 + 0.02) * 1e9

    def check_volume(self, stretches: list[Stretch], before: Registers, after: Registers) -> None:
        assert after.forward_nl >= before.forward_nl, "the forward total fell"
        assert after.reverse_nl >= before.reverse_nl, "the reverse total fell"
        forward_l = reverse_l = tolerance_l = 0.0
        was_l_h, was_wet = self.flow_l_h, self.wet
        for part in stretches:
            change_l = 0.0
            flow_l_h = part.flow_l_h if part.wet and abs(part.flow_l_h) >= 0.9 else 0.0
            volume_l = flow_l_h * part.duration_s / 3600.0
            forward_l += max(volume_l, 0.0)
            reverse_l -= min(volume_l, 0.0)
            tolerance_l += 0.003 * abs(volume_l) + (self.zero_l_h * part.duration_s / 3600.0 if flow_l_h else 0.0)
            if (part.flow_l_h, part.wet) != (was_l_h, was_wet):
                change_l = 4.0 * (min(abs(was_l_h), 8.0) + min(abs(flow_l_h), 8.0)) / 3600.0 + 3e-4
                change_l += 0.018 if min(abs(was_l_h), abs(part.flow_l_h)) < 1.6 else 0.0
            if part.wet is not was_wet:
                change_l += (abs(was_l_h) + 3.0 * abs(flow_l_h)) / 3600.0
            tolerance_l += change_l + self.unnoticed_l
            self.unnoticed_l = 0.0 if part.duration_s >= NOTICED_S else self.unnoticed_l + change_l
            tolerance_l += 0.25 * (abs(was_l_h) + abs(flow_l_h)) / 3600.0
            was_l_h, was_wet = part.flow_l_h, part.wet
        noise_l = 6.0 * 0.4 * math.sqrt(TICKS_S * math.fsum(part.duration_s for part in stretches)) / TICKS_S / 3600.0
        if forward_l == 0.0 and reverse_l == 0.0 and tolerance_l == 0.0:
            noise_l = 0.0
        tolerance_l += noise_l
        assert (after.forward_nl - before.forward_nl) * 1e-9 == pytest.approx(
            forward_l, rel=0.0, abs=tolerance_l + 1e-9
        )
        assert (after.reverse_nl - before.reverse_nl) * 1e-9 == pytest.approx(
            reverse_l, rel=0.0, abs=tolerance_l + 1e-9
        )

    # Events and alarms.

    def unread(self, log: LogType) -> list[Event]:
        last = self.events[log][-1].number if self.events[log] else 0
        return [event for event in self.meter.reading.events(log) if event.number > last]

    def new_events(self) -> list[Event]:
        """What the logs have more than the last time: numbered on, in the order of what happened."""
        new = []
        for log in LogType:
            unread = self.unread(log)
            kept = self.events[log]
            first = kept[-1].number + 1 if kept else 1
            assert [event.number for event in unread] == list(range(first, first + len(unread)))
            kept += unread
            new += unread
        return new

    def check_flow_alarms(self, new: list[Event]) -> None:
        self.expected += self.oracle.take()
        self.found += [
            (event.clock_ticks - self.offset, *FLOW_CODES[event.code]) for event in new if event.code in FLOW_CODES
        ]
        for alarm in FLOW_ALARMS:
            wanted = [change for change in self.expected if change.alarm is alarm]
            found = [change for change in self.found if change[1] is alarm]
            for want, (tick, _, on) in zip(wanted, found, strict=False):
                assert want.on is on, f"{alarm.name}: expected {wanted}, seen {found}"
                assert abs(want.tick - tick) <= want.within, f"{alarm.name}: expected {want}, seen at {tick}"
            paired = min(len(wanted), len(found))
            for want in wanted[paired:]:
                assert want.tick + want.within >= self.oracle.tick, f"{want} never came"
            for found_change in found[paired:]:
                assert found_change[0] >= self.oracle.tick - 512, f"{found_change}: nobody expected it"
            for change in wanted[:paired]:
                self.expected.remove(change)
            for found_change in found[:paired]:
                self.found.remove(found_change)

    def check_flags(self, after: Registers) -> None:
        """The info codes are those of the events; what the control centre must be told began since it was told."""
        if not self.expected and not self.found:
            assert after.alarms & WATCHED_FLOW == self.oracle.active
        assert after.alarms == self.active, "info codes that no event tells of"
        assert after.to_push == self.to_push
        assert after.dry is (Alarm.DRY in after.alarms)

    # Records.

    def expect_rows(
        self,
        begin: int,
        ticks: int,
        before: Registers,
        after: Registers,
        moved_l: float,
        steady: bool,
        new: list[Event],
    ) -> None:
        """The full hours on the meter's clock among the ticks just lived through."""
        alarms = sorted((event for event in new if event.code in ALARM_CODES), key=lambda event: event.clock_ticks)
        first = (begin + self.offset) // HOUR + 1
        last = (begin + ticks + self.offset) // HOUR
        gaps: list[int] = []
        for hour in range(first, last + 1):
            clock = hour * HOUR
            part = (clock - self.offset - begin) / ticks if steady else 0.0
            while alarms and alarms[0].clock_ticks <= clock:
                self.alarm_changed(alarms.pop(0), clock)
            near = [ALARM_CODES[event.code][0] for event in alarms if event.clock_ticks <= clock + 2]
            self.near_row |= Alarm(sum(near)) & LOW_BATTERY
            low, high = [], []
            for total in ("forward_nl", "reverse_nl"):
                was, grown = getattr(before, total), getattr(after, total) - getattr(before, total)
                wander_nl = self.zero_l_h * ticks / HOUR * 1e9 if grown else 0.0  # from day to day
                slack = 0.005 * grown + 4e7 + moved_l * 1e9 + wander_nl if steady else grown
                low.append(max(was, was + round(part * grown - slack)))
                high.append(min(was + grown, was + round(part * grown + slack)))
            marks = self.sticky | (Status.CLOCK_INVALID if self.clock_invalid else Status(0))
            missing = (clock - self.rows[-1].clock_ticks) // HOUR - 1 if self.rows else 0
            if missing > 0:
                marks |= Status.CAPTURES_MISSED
                gaps.append(missing)
            self.rows.append(Row(clock, marks, self.since_row, self.near_row, tuple(low), tuple(high)))
            self.sticky = Status(0)
            self.since_row, self.near_row = self.active, self.near_row & LOW_BATTERY if near else Alarm(0)
        for event in alarms:
            self.alarm_changed(event, clock_near=-1)
        assert [event.value_a for event in new if event.code is EventCode.CAPTURES_MISSED] == gaps

    def alarm_changed(self, event: Event, clock_near: int) -> None:
        """Follow the info codes for the records. A battery is judged on the hour, just before the record or after."""
        alarm, on = ALARM_CODES[event.code]
        if alarm & LOW_BATTERY and abs(event.clock_ticks - clock_near) <= 2:
            self.near_row |= alarm
        if on and alarm & LOW_BATTERY:
            self.check_low_began(alarm, event.clock_ticks - self.offset)
        if on:
            self.present |= alarm
            self.latched |= alarm & TAMPER
            self.to_push |= alarm
        else:
            self.present &= ~alarm
        self.since_row |= alarm if on else Alarm(0)

    @property
    def active(self) -> Alarm:
        """The info codes that the events add up to."""
        return self.present | self.latched

    def check_records(self) -> None:
        """The profiles as a whole: the hours lived through, in order, with their marks; days and months of them."""
        if not self.meter.powered:
            return
        reading = self.meter.reading
        rows, expected = reading.profile(Period.HOUR), self.rows[-6000:]
        assert rows["clock_ticks"].tolist() == [row.clock_ticks for row in expected]
        for row, want in zip(rows, expected, strict=True):
            marks = Status(int(row["status"])) & MARKS
            assert marks == want.marks, f"{want}: {marks!r}"
            assert want.low_nl[0] <= row["forward_nl"] <= want.high_nl[0], f"{want}: {row['forward_nl']}"
            assert want.low_nl[1] <= row["reverse_nl"] <= want.high_nl[1], f"{want}: {row['reverse_nl']}"
            alarms = Alarm(int(row["alarms"]))
            assert alarms | want.maybe == want.alarms | want.maybe, f"{want}: {alarms!r}"
        for period in (Period.DAY, Period.MONTH):
            self.check_longer(period, rows, reading.profile(period))
        for log in LogType:
            assert list(reading.events(log)) == self.events[log][-KEPT_EVENTS:]

    def check_longer(self, period: Period, hours: np.ndarray, rows: np.ndarray) -> None:
        """Days and months: the hours at 00:00, with the alarms and marks of all hours since the one before."""
        if len(self.rows) > len(hours):
            return
        wanted, alarms, marks = [], 0, 0
        for hour in hours:
            alarms |= int(hour["alarms"])
            marks |= int(hour["status"]) & int(GATHERED)
            time = EPOCH + timedelta(seconds=int(hour["clock_ticks"]) / TICKS_S)
            if time.hour == 0 and (period is Period.DAY or time.day == 1):
                totals = (int(hour["clock_ticks"]), int(hour["forward_nl"]), int(hour["reverse_nl"]))
                wanted.append((*totals, alarms, int(hour["status"]) | marks))
                alarms = marks = 0
        names = ["clock_ticks", "forward_nl", "reverse_nl", "alarms", "status"]
        assert [tuple(int(row[name]) for name in names) for row in rows] == wanted

    # Modes.

    def check_modes(
        self,
        begin: int,
        before: Registers,
        after: Registers,
        stretches: list[Stretch],
        new: list[Event],
        *,
        lost: bool,
    ) -> None:
        flowed_nl = after.forward_nl + after.reverse_nl
        if self.transport_from_nl is not None and flowed_nl - self.transport_from_nl >= TRANSPORT_NL:
            if len(stretches) == 1 and stretches[0].wet and abs(stretches[0].flow_l_h) > 5.0:
                missing_l = 10.0 - (before.forward_nl + before.reverse_nl - self.transport_from_nl) * 1e-9
                due_s = missing_l * 3600.0 / abs(stretches[0].flow_l_h)
                (ended,) = (
                    event for event in new if event.code is MODE and _mode(event.value_a) is Mode.TRANSPORTATION
                )
                ended_s = (ended.clock_ticks - self.offset - begin) / TICKS_S
                edge_s = 0.25 + (0.02 if abs(stretches[0].flow_l_h) < 10.0 else 3e-4) * 3600.0 / abs(
                    stretches[0].flow_l_h
                )
                edge_s += 3.0 if self.unnoticed_l > 0.02 else 0.0
                unit = 0.003 + self.zero_l_h / abs(stretches[0].flow_l_h)  # calibration and zero, as for volumes
                assert abs(ended_s - due_s) <= unit * due_s + edge_s, f"10 L took {ended_s} s instead of {due_s} s"
            self.transport_from_nl = None
        if self.test_until is not None and self.oracle.tick >= self.test_until:
            ended_at = [
                event.clock_ticks - self.offset
                for event in new
                if event.code is MODE and _mode(event.value_a) is Mode.TEST
            ]
            assert ended_at == [self.test_until], "TEST ends at its time-out"
            self.test_until = None
        for event in new:
            if event.code is MODE:
                assert _mode(event.value_a) is self.mode_was, "a change of mode that begins elsewhere"
                self.mode_was = _mode(event.value_b)
            elif event.code is SOURCE:
                assert _source(event.value_a) is self.source_was, "a change of source that begins elsewhere"
                self.source_was = _source(event.value_b)
        if lost:
            return
        expected = Mode.MEASUREMENT if after.source in (Source.BACKUP, Source.NONE) else Mode.NORMAL
        if self.transport_from_nl is not None:
            expected = Mode.TRANSPORTATION
        if self.test_until is not None:
            expected = Mode.TEST
        assert after.mode is expected
        assert self.mode_was is expected, "a mode that no event tells of"

    # Supply.

    def good(self, slot: Slot) -> bool | None:
        """Whether the firmware knows a pack as good; None if nobody can tell."""
        if slot.pack is None:
            return False
        if slot.pack.open_v >= GOOD_V:
            return True if slot.known_good or self.oracle.tick >= slot.settled_at else None
        if slot.pack.open_v <= DEAD_V:
            return None if slot.known_good and self.oracle.tick < slot.settled_at else False
        return None

    def check_sources(self, after: Registers) -> None:
        supply = self.meter.unit.board.supply
        feeding = supply.feeding
        assert any(feeding <= set(places) for _, places in SOURCES), f"{feeding} feed together"
        allowed = []
        for source, places in SOURCES:
            known = [self.good(self.slots[place]) for place in places]
            if True in known:
                allowed.append(source)
                break
            if None in known:
                allowed.append(source)
        else:
            allowed.append(Source.NONE)
        assert after.source in allowed, f"{after.source} feeds where {allowed} should"
        assert after.source is self.source_was, "a source that no event tells of"
        connected = {place for source, of in SOURCES for place in of if source is after.source}
        assert feeding == {place for place in connected if self.slots[place].pack is not None}
        for bit, groups in LOW_GROUPS.items():
            low = [self.low(group) for group in groups]
            if True in low:
                assert bit in after.alarms, f"{bit!r}: {self.slots}"
            elif None not in low:
                assert bit not in after.alarms, f"{bit!r}: {self.slots}"

    def low(self, places: tuple[Place, ...]) -> bool | None:
        """Whether a source must be told to be low. Months take so little that only a dead pack is."""
        slots = [self.slots[place] for place in places if self.slots[place].pack is not None]
        if any(not slot.counted for slot in slots):
            return None
        known = [self.good(slot) for slot in slots]
        if not slots or True in known:
            return False
        if None in known or any(self.oracle.tick < slot.settled_at for slot in slots):
            return None
        return True

    def check_low_began(self, alarm: Alarm, tick: int) -> None:
        """Where nothing but dead packs can be the reason: with the third check of the last of them, or when hands took
        away the last that was not."""
        groups = [[self.slots[place] for place in places] for places in LOW_GROUPS[alarm]]
        packs = [[slot.pack for slot in group if slot.pack is not None] for group in groups]
        if any(DEAD_V < pack.open_v < GOOD_V for group in packs for pack in group):
            return
        if not all(slot.counted for group in groups for slot in group):
            return
        dead = [
            max(slot.settled_at for slot in group)
            for group, there in zip(groups, packs, strict=True)
            if there and all(pack.open_v <= DEAD_V for pack in there)
        ]
        assert dead, f"{alarm!r} without a reason: {self.slots}"
        assert tick <= max(dead), f"{alarm!r} too late at {tick}"

    # Hands.

    def insert(self, place: Place, charge: float) -> None:
        pack = pack_for(place, charge)
        powered = self.meter.powered
        self.meter.insert(place, pack)
        settled_at = self.oracle.tick + CHECKED_S * TICKS_S if powered else math.inf
        good = powered and pack.open_v >= GOOD_V
        self.slots[place] = Slot(pack, settled_at, good, counted=powered)
        self.after_hands(EventCode.PACK_INSERTED, place)

    def remove(self, place: Place) -> None:
        assert self.meter.remove(place) is self.slots[place].pack
        self.slots[place] = Slot(settled_at=self.oracle.tick)
        self.after_hands(EventCode.PACK_REMOVED, place)

    def after_hands(self, code: EventCode, place: Place) -> None:
        if not self.meter.powered:
            return
        (event,) = (event for event in self.unread(LogType.POWER) if event.code in (code, EventCode.PACK_INSERTED))
        assert event.code is code
        assert tuple(Place)[event.value_a] is place
        self.nothing_passed()

    def nothing_passed(self) -> None:
        """Hands take no time, and no hand moves a total."""
        after = self.meter.registers()
        assert (after.forward_nl, after.reverse_nl) == (self.seen.forward_nl, self.seen.reverse_nl)
        self.seen = after
        new = self.new_events()
        for event in new:
            if event.code in ALARM_CODES:
                self.alarm_changed(event, clock_near=-1)
        self.check_flow_alarms(new)
        self.check_modes(self.oracle.tick, after, after, [], new, lost=False)
        self.check_sources(after)
        self.check_flags(after)

    def touch(self, alarm: Alarm, on: bool) -> None:
        """Lift the lid or put it back, bring a magnet or take it away, turn the meter downward or upright."""
        contact = self.contacts[alarm]
        if alarm is Alarm.CASE_OPEN:
            (self.meter.open_case if on else self.meter.close_case)()
        elif alarm is Alarm.MAGNET:
            self.meter.expose(30.0 if on else 0.0)
        else:
            self.meter.turn(-60.0 if on else 10.0)
        if contact.on is not on:
            contact.on, contact.since = on, self.oracle.tick

    def check_tamper(self, after: Registers) -> None:
        for alarm, contact in self.contacts.items():
            _, latest_s = TAMPER_SETTLES_S[alarm][0 if contact.on else 1]
            if self.oracle.tick < contact.since + latest_s * TICKS_S:
                continue
            contact.settled = contact.on
            contact.latched |= contact.on
            assert (alarm in after.alarms) is contact.latched, f"{alarm!r}: {contact}"

    def acknowledge(self) -> None:
        self.meter.commands.acknowledge(TAMPER)
        told = [(event.code, event.value_a) for event in self.new_events() if event.log is LogType.TAMPER]
        assert told == [(EventCode.ALARMS_ACKNOWLEDGED, int(TAMPER))]
        for contact in self.contacts.values():
            contact.latched = contact.settled
        self.latched &= self.present
        self.seen = self.meter.registers()
        self.check_tamper(self.seen)
        self.check_flags(self.seen)

    def told(self) -> None:
        self.meter.commands.told(self.to_push)
        self.to_push = Alarm(0)
        self.seen = self.meter.registers()
        assert self.seen.to_push == Alarm(0)

    def set_clock(self, by_ticks: int) -> None:
        was = self.seen.clock_ticks
        self.meter.commands.set_clock(was + by_ticks)
        self.offset += by_ticks
        self.clock_invalid = False
        self.sticky |= Status.CLOCK_SET
        codes = [(event.code, event.value_a, event.value_b) for event in self.unread(LogType.STANDARD)]
        assert codes == [(EventCode.CLOCK_SET, was, was + by_ticks)]
        self.nothing_passed()
        assert self.seen.clock_ticks == was + by_ticks
        assert self.seen.clock_valid

    def enter_test(self) -> None:
        if self.transport_from_nl is not None:
            with pytest.raises(Refused, match="TRANSPORTATION"):
                self.meter.commands.enter_test()
        else:
            self.meter.commands.enter_test()
            self.test_until = self.oracle.tick + TEST_S * TICKS_S
        self.nothing_passed()

    def leave_test(self) -> None:
        self.meter.commands.leave_test()
        self.test_until = None
        self.nothing_passed()

    def enter_transportation(self) -> None:
        if self.transport_from_nl is not None or self.test_until is not None:
            with pytest.raises(Refused, match="enter TRANSPORTATION"):
                self.meter.commands.enter_transportation()
        else:
            self.meter.commands.enter_transportation()
            self.transport_from_nl = self.seen.forward_nl + self.seen.reverse_nl
        self.nothing_passed()

    # Losses.

    def calm_for(self, seconds: float) -> bool:
        """True if neither an alarm nor a full hour nor the end of TEST is near: what is told of a loss can be exact."""
        ahead = deepcopy(self.oracle)
        ahead.see(round(seconds * TICKS_S) + 2, self.flow_l_h, self.wet)
        to_hour = HOUR - self.seen.clock_ticks % HOUR
        return (
            not ahead.take()
            and not self.expected
            and not self.found
            and seconds * TICKS_S + 2 < to_hour
            and (self.test_until is None or self.test_until - self.oracle.tick > seconds * TICKS_S + 2)
            and all(contact.on is contact.settled for contact in self.contacts.values())
            and self.wet
        )

    def fail_supply(self) -> None:
        self.meter.fail_supply()
        assert not self.meter.powered
        self.unannounced_l_h = self.flow_l_h
        self.dark = [Stretch(1.0, self.flow_l_h)], dict(self.slots)

    def fail_in_write(self, after_bytes: int) -> None:
        self.meter.fail_in_write(after_bytes)
        self.unannounced_l_h = self.flow_l_h
        self.live(Stretch(after_bytes / 250.0 + 5.0, self.flow_l_h))
        assert not self.meter.powered, "a memory that cannot be written any more"

    def wait_for_power(self) -> None:
        """Still water until the meter is Active again, with another pack if need be; of which it is told."""
        for _ in range(2):
            if not self.meter.powered:
                self.live(Stretch(4 * 3600.0, 0.0))
        if not self.meter.powered:
            for place in (Place.EXTERNAL, Place.C1, Place.BACKUP):
                if self.slots[place].pack is not None:
                    self.remove(place)
            self.insert(Place.C1, 1.0)
            self.live(Stretch(4 * 3600.0, 0.0))
        assert self.meter.powered
        for place, slot in self.slots.items():
            if slot.pack is not None and not slot.counted:
                self.meter.commands.battery_replaced(FirmwarePlace[place.name])
                self.slots[place] = Slot(slot.pack, self.oracle.tick + CHECKED_S * TICKS_S)
                self.nothing_passed()
