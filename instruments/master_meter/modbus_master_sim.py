"""A master meter in a line of the rig, with errors of its own, behind the registers of any of the profiles."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from meterbench.instruments.faults import FaultPlan
from meterbench.instruments.master_meter.profile import WORDS, Figure, Profile, Status, WordOrder
from meterbench.instruments.serving.modbus_server import ModbusServer

SENSOR_SIZE_M = 0.025
FLOW_NOISE = 2e-4
"""Relative standard deviation of a shown flow."""
_PLACES_OF_4 = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}
_PLACES_OF_8 = {
    "ABCD": (0, 1, 2, 3, 4, 5, 6, 7),
    "CDAB": (6, 7, 4, 5, 2, 3, 0, 1),
    "BADC": (1, 0, 3, 2, 5, 4, 7, 6),
    "DCBA": (7, 6, 5, 4, 3, 2, 1, 0),
}
"""Which byte of the big-endian number comes at each place."""


@dataclass(frozen=True, slots=True)
class WaterSeen:
    """What flows through the meter; each is asked for the present."""

    flow_l_h: Callable[[], float]
    volume_l: Callable[[], float]
    """What has passed since any beginning."""
    water_temp_c: Callable[[], float]
    density_kg_m3: Callable[[], float]


@dataclass(frozen=True, slots=True)
class MasterErrors:
    """What this meter gets wrong, for good."""

    gain: float = 1.0
    zero_l_h: float = 0.0
    temp_offset_c: float = 0.0
    density_offset_kg_m3: float = 0.0

    @staticmethod
    def drawn(rng: np.random.Generator) -> MasterErrors:
        """0.1 to 0.3 % either way; a zero of 1e-6 of the range; 0.1 K; 0.2 kg/m3."""
        return MasterErrors(
            gain=1.0 + float(rng.choice((-1.0, 1.0)) * rng.uniform(0.001, 0.003)),
            zero_l_h=0.005 * float(rng.standard_normal()),
            temp_offset_c=0.1 * float(rng.standard_normal()),
            density_offset_kg_m3=0.2 * float(rng.standard_normal()),
        )


class ModbusMasterSim:
    """Made, started, used and stopped in the lab's loop. Call ``sample`` after each step of the world, so that the
    totaliser counts what passed in it."""

    def __init__(
        self,
        profile: Profile,
        water: WaterSeen,
        now_s: Callable[[], float],
        rng: np.random.Generator,
        *,
        errors: MasterErrors | None = None,
        faults: FaultPlan | None = None,
        unit_id: int = 1,
        word_order: WordOrder | None = None,
        low_flow_cutoff: float = 0.0,
        total_m3: float | None = None,
    ) -> None:
        """``low_flow_cutoff`` is the share of the full scale below which it shows and counts nothing.

        ``word_order`` other than the profile's: a box whose parameter was changed. ``total_m3`` is what its totaliser
        begins with, that of a meter that is not new if it is None.
        """
        self.faults = faults or FaultPlan()
        self._profile = profile
        self._water = water
        self._now_s = now_s
        self._rng = rng
        self._errors = errors or MasterErrors.drawn(rng)
        self._unit_id = unit_id
        self._order: WordOrder = word_order or profile.word_order
        self._cutoff = low_flow_cutoff
        self._total_l = 1000.0 * (float(rng.uniform(10.0, 500.0)) if total_m3 is None else total_m3)
        self._slots = [0] * (profile.scan_list.slots if profile.scan_list else 0)
        self._sampled_s, self._passed_l = now_s(), water.volume_l()
        self._filtered_l_h = self._sensed_l_h(water.flow_l_h())
        self._clipped = False
        self._trouble = ""
        """``clipped``, ``failure`` or ``starting`` until a status has told it."""
        self._updated_s = -math.inf
        self._shown: dict[str, float] = {}
        self._server = ModbusServer(self, self.faults)

    async def start(self, wire: str = "") -> str:
        """Serve on ``tcp`` (the usual wire), ``rtu-tcp`` or ``pty``; the address to give to the driver."""
        return await self._server.start(wire)

    async def stop(self) -> None:
        """Close every connection and the port; safe to call twice."""
        await self._server.stop()

    # The sensor.

    def sample(self) -> None:
        """Look at the water: count what has passed, follow the flow, and show it at the end of an update period."""
        now_s, passed_l = self._now_s(), self._water.volume_l()
        duration_s = now_s - self._sampled_s
        target_l_h = self._sensed_l_h(self._water.flow_l_h())
        if duration_s > 0.0:
            mean_l_h = self._sensed_l_h((passed_l - self._passed_l) / duration_s * 3600.0)
            self._total_l += mean_l_h * duration_s / 3600.0
            decay = math.exp(-duration_s / self._profile.time_constant_s)
            self._filtered_l_h = target_l_h + (self._filtered_l_h - target_l_h) * decay
            self._sampled_s, self._passed_l = now_s, passed_l
        full_scale_l_h = self._profile.full_scale_l_h
        was_clipped, self._clipped = self._clipped, abs(target_l_h) >= full_scale_l_h
        if self._clipped:
            self._trouble = "clipped"
        if self._clipped or was_clipped or now_s - self._updated_s >= self._profile.update_period_s:
            self._updated_s = now_s
            self._update(math.copysign(full_scale_l_h, target_l_h) if self._clipped else self._filtered_l_h)

    def _sensed_l_h(self, true_l_h: float) -> float:
        """With its errors and faults, cut off at both ends of its range."""
        full_scale_l_h = self._profile.full_scale_l_h
        sensed_l_h = true_l_h * self._errors.gain + self._errors.zero_l_h
        sensed_l_h = self.faults.measured(sensed_l_h, full_scale_l_h, self._now_s())
        if abs(sensed_l_h) < self._cutoff * full_scale_l_h:
            return 0.0
        return min(max(sensed_l_h, -full_scale_l_h), full_scale_l_h)

    def _update(self, flow_l_h: float) -> None:
        """New numbers in SI units: m3/s, m3, kg/s, kg/m3, K."""
        if not self._clipped:
            flow_l_h *= 1.0 + FLOW_NOISE * float(self._rng.standard_normal())
        density_kg_m3 = self._water.density_kg_m3() + self._errors.density_offset_kg_m3
        self._shown = {
            "volume_flow": flow_l_h / 3.6e6,
            "volume": self._total_l / 1000.0,
            "mass_flow": flow_l_h / 3.6e6 * density_kg_m3,
            "density": density_kg_m3,
            "temp": self._water.water_temp_c() + self._errors.temp_offset_c + 273.15,
            "full_scale": self._profile.full_scale_l_h / 3.6e6,
            "sensor_size": SENSOR_SIZE_M,
        }

    # What the server asks.

    def registers(self) -> SimDevice:
        """Input and holding registers apart, unless they are one; only the scan list is writable."""
        self.sample()
        held = sorted(self._held())
        inputs, holdings = [[SimData(0, datatype=DataType.REGISTERS)] for _ in range(2)]
        for area, blocks in (("input", inputs), ("holding", holdings)):
            own = [address for one, address in held if one == area or self._profile.areas_are_one]
            if own:
                blocks[:] = [
                    SimData(address, datatype=DataType.REGISTERS, readonly=address not in self._list_addresses())
                    for address in own
                ]
        bits = [[SimData(0, values=[False] * 16, datatype=DataType.BITS)] for _ in range(2)]
        return SimDevice(self._unit_id, (bits[0], bits[1], holdings, inputs), action=self._accessed)

    def restart(self) -> None:
        """Power off and on: the totaliser is kept, the scan list is not."""
        self._slots = [0] * len(self._slots)
        self._filtered_l_h = self._sensed_l_h(self._water.flow_l_h())
        self._trouble = "starting"

    def complain(self) -> None:
        """A failure, until a status has told it."""
        self._trouble = "failure"

    async def _accessed(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Refresh what is read; take over a scan list that is written."""
        if written is not None:
            first = self._list_addresses().start
            for place, word in enumerate(written):
                self._slots[address + place - first] = self._swap(int(word))
            return None
        self.sample()
        area = "input" if function == 4 and not self._profile.areas_are_one else "holding"
        image = self._image()
        for each in range(address, address + count):
            registers[each - start] = image.get((area, each), 0)
        if any(address <= self._profile.address(status.number) < address + count for status in self._profile.statuses):
            self._trouble = "clipped" if self._clipped else ""
        return None

    # The image.

    def _held(self) -> Iterable[tuple[str, int]]:
        """Every register that there is, fillers within blocks included."""
        held = set(self._image())
        for block in self._profile.blocks:
            first = self._profile.address(block.number)
            held |= {(block.area, first + place) for place in range(block.count)}
        if self._profile.scan_list is not None:
            held |= {("holding", address) for address in self._list_addresses()}
        return held

    def _list_addresses(self) -> range:
        if self._profile.scan_list is None:
            return range(0)
        first = self._profile.address(self._profile.scan_list.list_number)
        return range(first, first + self._profile.scan_list.slots)

    def _image(self) -> dict[tuple[str, int], int]:
        profile = self._profile
        image: dict[tuple[str, int], int] = {}

        def put(area: str, number: int, words: list[int]) -> None:
            for place, word in enumerate(words):
                image[area, profile.address(number) + place] = word

        for name, figure in profile.figures.items():
            put(profile.area_of(figure), figure.number, self._figure(name, figure))
        for figure in profile.low_flow_cutoffs.values():
            put(profile.area_of(figure), figure.number, self._encode(self._cutoff_in(figure.unit), figure))
        for known in profile.known:
            put(profile.area, known.number, [known.equals])
        for status in profile.statuses:
            put(profile.area_of(status), status.number, self._status(status))
        if profile.direction is not None:
            backward = self._shown["volume_flow"] < 0.0
            put(
                profile.area,
                profile.direction.number,
                [profile.direction.backward if backward else profile.direction.forward],
            )
        if profile.order_parameter is not None:
            put(profile.area, profile.order_parameter.number, [self._swap(profile.order_parameter.codes[self._order])])
        if profile.scan_list is not None:
            by_number = {figure.number: name for name, figure in profile.figures.items()}
            put(profile.area, profile.scan_list.list_number, [self._swap(number) for number in self._slots])
            for slot, number in enumerate(self._slots):
                words = (
                    self._figure(by_number[number], profile.figures[by_number[number]])
                    if number in by_number
                    else [0, 0]
                )
                put(profile.area, profile.scan_list.values_number + 2 * slot, words)
        return image

    def _figure(self, name: str, figure: Figure) -> list[int]:
        number = self._shown[name]
        if name == "volume_flow" and self._profile.direction is not None:
            number = abs(number)
        if self._profile.failure_gives_nan and self._trouble == "failure":
            number = math.nan
        match figure.unit:
            case "m3/h" | "kg/h":
                number *= 3600.0
            case "kg/L":
                number /= 1000.0
            case "degC":
                number -= 273.15
        return self._encode(number, figure)

    def _cutoff_in(self, unit: str) -> float:
        match unit:
            case "%":
                return 100.0 * self._cutoff
            case "m3/s":
                return self._cutoff * self._profile.full_scale_l_h / 3.6e6
        return self._cutoff

    def _status(self, status: Status) -> list[int]:
        shown = {"clipped": status.clipped, "failure": status.failure, "starting": status.starting}
        word = shown.get(self._trouble, status.ok)
        return [word >> 16, word & 0xFFFF] if status.type == "uint32" else [self._swap(word)]

    def _encode(self, number: float, figure: Figure) -> list[int]:
        wide = WORDS[figure.type] == 4
        plain = struct.pack(">d" if wide else ">f", number)
        places = (_PLACES_OF_8 if wide else _PLACES_OF_4)[self._order]
        wire = bytes(plain[place] for place in places)
        return list(struct.unpack(f">{len(wire) // 2}H", wire))

    def _swap(self, word: int) -> int:
        """An integer as it stands in its register, or the reverse."""
        if self._profile.integers_swapped and self._order in ("BADC", "DCBA"):
            return int.from_bytes(word.to_bytes(2, "big"), "little")
        return word
