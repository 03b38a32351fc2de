"""Driver of master meters over Modbus, by the register tables in ``profiles`` (instruments.md 1.1 and 1.3 to 1.5)."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from meterbench.errors import ConfigError, InstrumentError, ProtocolError
from meterbench.instruments.capabilities import Exchange, Identity, MasterReading
from meterbench.instruments.links.modbus_link import ModbusLink
from meterbench.instruments.master_meter.profile import WORDS, Area, Figure, Profile, Status, WordOrder, load_profile
from meterbench.instruments.place import DriverSettings, Place

LITRES_AN_HOUR = {"m3/s": 3.6e6, "m3/h": 1000.0}
KILOGRAMS_AN_HOUR = {"kg/s": 3600.0, "kg/h": 1.0}
KILOGRAMS_A_CUBIC_METRE = {"kg/m3": 1.0, "kg/L": 1000.0}
LITRES = {"m3": 1000.0}
ZERO_CELSIUS = {"K": 273.15, "degC": 0.0}
SMALLEST_VOLUME_L = 1e-6
"""A totaliser that shows less than a microlitre, but not 0, is a number with its words in the wrong order."""
AGREEMENT = 0.01
"""Mass flow, volume flow and density of one instant agree within this share, or they are not what the table says."""
AGREEMENT_KG_H = 0.001
TELLING = ("density", "temp", "sensor_size", "volume")
"""Figures whose plausible range rules other word orders out, unless they are 0. A flow does not: it may be anything."""

_CODES = {"uint16": ">H", "uint32": ">I", "float32": ">f", "float64": ">d"}
_WORDS_REVERSED = frozenset({"CDAB", "DCBA"})
_BYTES_SWAPPED = frozenset({"BADC", "DCBA"})

_Words = dict[tuple[Area, int], int]


class MasterMeterSettings(DriverSettings):
    """``settings`` of a master meter in the station file."""

    unit_id: int = Field(1, ge=1, le=247)
    baudrate: int = Field(19200, ge=300, le=921600)
    """This and the next two for ``rtu://`` only; a pseudo-terminal takes 8N1."""
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    word_order: WordOrder | None = None
    """Where the box has a parameter for it that was changed."""
    accept_low_flow_cutoff: bool = False
    """True: a low-flow cutoff is known of and does no harm, or was set to 0 by hand at a box that does not tell it."""


class ModbusMasterMeter:
    """A ``MasterMeter``. Not opened yet when made: use ``open_master_meter``.

    Frames have a checksum (RTU's own, or TCP's), so that one reading is enough.
    """

    def __init__(self, role: str, link: ModbusLink, profile: Profile, settings: MasterMeterSettings) -> None:
        """``ConfigError`` for a word order that the box cannot have."""
        if settings.word_order and profile.order_parameter is None and settings.word_order != profile.word_order:
            raise ConfigError(
                f"{role}: settings.word_order {settings.word_order}: the {profile.model} has no parameter for it; it "
                f"is always {profile.word_order}"
            )
        self.role = role
        self.identity = Identity("", "", "", "")
        self._link = link
        self._profile = profile
        self._accept_cutoff = settings.accept_low_flow_cutoff
        self._order: WordOrder = settings.word_order or profile.word_order
        self._full_scale_l_h = math.inf
        self._listed = False

    def open(self) -> None:
        """Connect; make sure that it is this box, that its numbers are read as it means them, and that it shows small
        flows."""
        self._link.open()
        self._check_known()
        self._check_order_parameter()
        if "full_scale" in self._profile.figures:
            full_scale = self._profile.figures["full_scale"]
            self._full_scale_l_h = self._ask("full_scale", full_scale) * LITRES_AN_HOUR[full_scale.unit]
        told = []
        if "sensor_size" in self._profile.figures:
            told.append(self._ask("sensor_size", self._profile.figures["sensor_size"]))
        self._check_cutoffs()
        numbers = self._numbers()
        told += [numbers[name] for name in TELLING if name in numbers]
        if not any(told):
            raise InstrumentError(
                f"{self.role}: everything that the {self._profile.model} shows is 0, so that the order of its words "
                "cannot be proven; let some water run through it, then open it again"
            )
        if 0.0 < abs(numbers["volume"]) * LITRES[self._profile.figures["volume"].unit] < SMALLEST_VOLUME_L:
            raise self._implausible("volume", self._profile.figures["volume"], numbers["volume"])
        self.identity = Identity(self._profile.maker, self._profile.model, "", "")

    def trace(self) -> Sequence[Exchange]:
        return self._link.trace()

    def close(self) -> None:
        self._link.close()

    def read(self) -> MasterReading:
        numbers, figures = self._numbers(), self._profile.figures
        flow_l_h = numbers["volume_flow"] * LITRES_AN_HOUR[figures["volume_flow"].unit]
        if abs(flow_l_h) >= self._full_scale_l_h:
            raise InstrumentError(
                f"{self.role}: the flow {flow_l_h:.6g} L/h is at or beyond the end of its range, "
                f"{self._full_scale_l_h:.6g} L/h; set a larger range at the box, or less flow"
            )
        volume_l = numbers["volume"] * LITRES[figures["volume"].unit]
        if not self._profile.coriolis:
            return MasterReading(flow_l_h, volume_l, math.nan, math.nan)
        density_kg_m3 = numbers["density"] * KILOGRAMS_A_CUBIC_METRE[figures["density"].unit]
        mass_flow_kg_h = numbers["mass_flow"] * KILOGRAMS_AN_HOUR[figures["mass_flow"].unit]
        expected_kg_h = flow_l_h * density_kg_m3 / 1000.0
        if abs(mass_flow_kg_h - expected_kg_h) > AGREEMENT * abs(expected_kg_h) + AGREEMENT_KG_H:
            raise InstrumentError(
                f"{self.role}: mass flow {mass_flow_kg_h:.6g} kg/h does not agree with {flow_l_h:.6g} L/h of "
                f"{density_kg_m3:.6g} kg/m3; are the box's units those of its register table?"
            )
        return MasterReading(flow_l_h, volume_l, numbers["temp"] - ZERO_CELSIUS[figures["temp"].unit], density_kg_m3)

    def _numbers(self) -> dict[str, float]:
        """All figures of one instant in the box's units, the flow with its sign; raises what the box complains of."""
        with self._link.lock:
            if self._profile.scan_list and not self._listed:
                self._write_scan_list()
            words: _Words = {}
            for block in self._profile.blocks:
                words |= self._fetch(block.area, self._profile.address(block.number), block.count)
        self._check_scan_list(words)
        for status in self._profile.statuses:
            self._check_status(status, words)
        places = self._places()
        numbers = {
            name: self._checked(name, self._profile.figures[name], self._decode(places[name], words))
            for name in self._profile.reading
        }
        numbers["volume_flow"] *= self._sign(words)
        return numbers

    def _places(self) -> dict[str, tuple[Figure, Area, int]]:
        """Where each figure of a reading is found: at its own address, or in its slot of the scan list."""
        profile = self._profile
        own = {
            name: (profile.figures[name], profile.area_of(profile.figures[name]), profile.figures[name].number)
            for name in profile.reading
        }
        if profile.scan_list is None:
            return own
        first = profile.scan_list.values_number
        return {name: (own[name][0], profile.area, first + 2 * slot) for slot, name in enumerate(profile.reading)}

    # What the box must hold.

    def _check_known(self) -> None:
        for known in self._profile.known:
            word = self._integer(self._fetch_one(self._profile.area, self._profile.address(known.number)))
            if word != known.equals:
                raise InstrumentError(
                    f"{self.role}: register {known.number} ({known.meaning}) holds {word}, not {known.equals}; is this "
                    f"a {self._profile.maker} {self._profile.model}?"
                )

    def _check_order_parameter(self) -> None:
        parameter = self._profile.order_parameter
        if parameter is None:
            return
        word = self._fetch_one(self._profile.area, self._profile.address(parameter.number))
        told = [order for order, code in parameter.codes.items() if self._integer_in(order, word) == code]
        if self._order not in told:
            raise InstrumentError(
                f"{self.role}: the box's byte order (register {parameter.number}, 0x{word:04X}) is "
                f"{' or '.join(told) or 'none that is known'}, the station expects {self._order}; set it at the box, "
                "or settings.word_order in the station file"
            )

    def _check_cutoffs(self) -> None:
        if self._accept_cutoff:
            return
        if not self._profile.low_flow_cutoffs:
            raise InstrumentError(
                f"{self.role}: the {self._profile.model} does not tell its low-flow cutoff; set it to 0 at the box, "
                "and settings.accept_low_flow_cutoff = true in the station file"
            )
        for name, figure in self._profile.low_flow_cutoffs.items():
            cutoff = self._ask(f"low-flow cutoff {name}", figure)
            if cutoff != 0.0:
                raise InstrumentError(
                    f"{self.role}: the low-flow cutoff {name} (register {figure.number}) is {cutoff:g} {figure.unit}: "
                    "small flows would come as 0; set it to 0 at the box, or settings.accept_low_flow_cutoff"
                )

    def _write_scan_list(self) -> None:
        """Written only if it is not there already: the box keeps it in a memory that wears out."""
        scan_list = self._profile.scan_list
        assert scan_list is not None
        wanted = self._scan_words()
        address = self._profile.address(scan_list.list_number)
        if self._link.read_holding(address, len(wanted)) != wanted:
            self._link.write_registers(address, wanted)
        self._listed = True

    def _scan_words(self) -> list[int]:
        numbers = [self._profile.figures[name].number for name in self._profile.reading]
        return [self._integer(number) for number in numbers]

    def _check_scan_list(self, words: _Words) -> None:
        """What stands in the slots is what was asked for only while the list is ours."""
        if self._profile.scan_list is None:
            return
        first = self._profile.address(self._profile.scan_list.list_number)
        wanted = self._scan_words()
        found = [words[self._profile.area, first + slot] for slot in range(len(wanted))]
        if found != wanted:
            self._listed = False
            raise InstrumentError(
                f"{self.role}: its scan list holds {found} instead of {wanted}: it restarted, or another master uses "
                "it; the list is set again with the next reading"
            )

    def _check_status(self, status: Status, words: _Words) -> None:
        first = self._profile.address(status.number)
        area = self._profile.area_of(status)
        if status.type == "uint32":
            word = words[area, first] << 16 | words[area, first + 1]
        else:
            word = self._integer(words[area, first])
        if status.bits or status.ok == 0:
            bad = [bit for bit in range(32) if (word & ~status.harmless) >> bit & 1]
            told = ", ".join(status.bits.get(str(bit), f"bit {bit}") for bit in bad)
        else:
            told = "" if word == status.ok else f"{word} instead of {status.ok}"
        if told:
            raise InstrumentError(
                f"{self.role}: the {self._profile.model} reports of {status.of} (register {status.number}): {told}; "
                "look at its display"
            )

    def _sign(self, words: _Words) -> float:
        direction = self._profile.direction
        if direction is None:
            return 1.0
        code = self._integer(words[self._profile.area, self._profile.address(direction.number)])
        if code not in (direction.forward, direction.backward):
            raise InstrumentError(
                f"{self.role}: the direction of the flow (register {direction.number}) is {code}, which is neither "
                f"{direction.forward} (forward) nor {direction.backward} (backward)"
            )
        return 1.0 if code == direction.forward else -1.0

    # Registers and numbers.

    def _ask(self, name: str, figure: Figure) -> float:
        """One figure by itself."""
        area = self._profile.area_of(figure)
        words = self._fetch(area, self._profile.address(figure.number), WORDS[figure.type])
        return self._checked(name, figure, self._decode((figure, area, figure.number), words))

    def _fetch_one(self, area: Area, address: int) -> int:
        return self._fetch(area, address, 1)[area, address]

    def _fetch(self, area: Area, address: int, count: int) -> _Words:
        read = self._link.read_input if area == "input" else self._link.read_holding
        return {(area, address + place): word for place, word in enumerate(read(address, count))}

    def _decode(self, place: tuple[Figure, Area, int], words: _Words) -> float:
        figure, area, number = place
        first = self._profile.address(number)
        own = [words[area, first + each] for each in range(WORDS[figure.type])]
        return decode_number(own, _CODES[figure.type], self._order)

    def _integer(self, word: int) -> int:
        """A register's word as an integer, or the reverse."""
        return self._integer_in(self._order, word)

    def _integer_in(self, order: WordOrder, word: int) -> int:
        swapped = self._profile.integers_swapped and order in _BYTES_SWAPPED
        return (word & 0xFF) << 8 | word >> 8 if swapped else word

    def _checked(self, name: str, figure: Figure, number: float) -> float:
        if math.isnan(number):
            raise InstrumentError(
                f"{self.role}: the {self._profile.model} has no number for {name} (register {figure.number} is NaN): "
                "it reports a fault of its own; look at its display"
            )
        low, high = figure.plausible
        if not low <= number <= high:
            raise self._implausible(name, figure, number)
        return number

    def _implausible(self, name: str, figure: Figure, number: float) -> ProtocolError:
        low, high = figure.plausible
        return ProtocolError(
            f"{self.role}: {name} (register {figure.number}) read in the word order {self._order} is {number:.6g} "
            f"{figure.unit}, outside {low:g} to {high:g}; is the word order another one, or the register table for "
            "another box?"
        )


def decode_number(words: Sequence[int], code: str, order: WordOrder) -> float:
    """The number in ``words`` as they came; ``code`` is its big-endian ``struct`` code."""
    in_order = reversed(words) if order in _WORDS_REVERSED else words
    pairs = [divmod(word, 256) for word in in_order]
    in_words = [pair[::-1] if order in _BYTES_SWAPPED else pair for pair in pairs]
    (number,) = struct.unpack(code, b"".join(bytes(pair) for pair in in_words))
    return float(number)


def open_master_meter(place: Place, settings: MasterMeterSettings) -> ModbusMasterMeter:
    """Connect to the box at ``place``, by the profile that is called like its driver."""
    try:
        link = ModbusLink(
            place.role,
            place.address,
            unit_id=settings.unit_id,
            baudrate=settings.baudrate,
            parity=settings.parity,
            stopbits=settings.stopbits,
            tape=place.tape,
        )
    except ConfigError as error:
        raise ConfigError(f"{place.role}: {error}") from None
    meter = ModbusMasterMeter(place.role, link, load_profile(place.driver), settings)
    try:
        meter.open()
    except BaseException:
        meter.close()
        raise
    return meter
