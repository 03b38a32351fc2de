"""The form of a master meter's register table (``profiles/*.toml``): the only thing that driver and simulator share."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Area = Literal["holding", "input"]
"""Functions 3 and 16, or function 4."""
WordOrder = Literal["ABCD", "CDAB", "BADC", "DCBA"]
"""The bytes of a 32-bit number as they come, A with the sign; numbers of 64 bits accordingly."""
NumberType = Literal["uint16", "uint32", "float32", "float64"]
WORDS: Final = {"uint16": 1, "uint32": 2, "float32": 2, "float64": 4}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Table):
    """One number of the box."""

    number: int
    """As the manual prints it; the profile's ``address_offset`` makes the wire's address of it."""
    type: NumberType
    area: Area | None = None
    """The profile's, unless it says otherwise."""
    unit: str = ""
    plausible: tuple[float, float] = (0.0, 65535.0)
    """In the box's unit: outside, the number is none of this box in cold water, and the word order may be wrong."""
    source: str
    unconfirmed: bool = False
    """True if the manual at hand does not say so; prove it on the box."""


class Known(_Table):
    """A register whose content is known."""

    number: int
    equals: int
    meaning: str
    source: str


class Status(_Table):
    """A register that tells how the box is: bits that are named, or a code of which one is good."""

    number: int
    of: str
    """What it tells about, in words."""
    type: NumberType = "uint16"
    area: Area | None = None
    ok: int = 0
    """What it holds when all is well."""
    harmless: int = 0
    """Bits that say nothing against a measurement."""
    bits: dict[str, str] = {}
    """Names of bits by their number; a bit that is not here is bad, too. Empty: it is a code."""
    clipped: int
    """What it holds when the value is at the end of its range; this and the next two are what the simulator shows."""
    failure: int
    starting: int
    """After power-on."""
    source: str
    unconfirmed: bool = False


class Direction(_Table):
    """Where the flow's sign is a register of its own."""

    number: int
    forward: int
    backward: int
    source: str
    unconfirmed: bool = False


class OrderParameter(_Table):
    """The parameter that sets the box's byte order."""

    number: int
    codes: dict[WordOrder, int]
    source: str


class ScanList(_Table):
    """Numbers of registers written to a list, whose contents are then read as one block, two registers each."""

    list_number: int
    values_number: int
    slots: int
    source: str


class Block(_Table):
    """What is read in one exchange; all of it is of one instant."""

    area: Area
    number: int
    count: int = Field(ge=1, le=125)


class Profile(_Table):
    """A kind of master meter. Addresses on the wire are 0-based: ``number + address_offset``."""

    maker: str
    model: str
    documents: str
    area: Area
    areas_are_one: bool
    """Functions 3 and 4 see the same registers."""
    address_offset: int
    offset_unconfirmed: bool = False
    word_order: WordOrder
    order_parameter: OrderParameter | None = None
    """Only where it exists may a station file name another word order."""
    integers_swapped: bool = False
    """Where the bytes of floats are swapped within words (BADC, DCBA), those of integers are, too."""
    update_period_s: float
    time_constant_s: float
    full_scale_l_h: float
    """Of the simulated meter's sensor."""
    figures: dict[str, Figure]
    """``volume_flow``, ``volume``; with a Coriolis meter also ``mass_flow``, ``density`` and ``temp``; ``full_scale``
    and ``sensor_size`` where the box tells them."""
    low_flow_cutoffs: dict[str, Figure] = {}
    """Must be 0, or small flows come as 0; empty if no register tells."""
    blocks: tuple[Block, ...]
    """In the order in which they are read."""
    known: tuple[Known, ...] = ()
    """Proves at opening that this is the box, and the addresses' offset."""
    statuses: tuple[Status, ...]
    direction: Direction | None = None
    scan_list: ScanList | None = None
    failure_gives_nan: bool = False
    """Its values are NaN while it has a fault of its own."""

    @model_validator(mode="after")
    def _complete(self) -> Profile:
        """The figures that every meter has; a Coriolis meter all of its own."""
        if not {"volume_flow", "volume"} <= self.figures.keys():
            raise ValueError("a master meter has volume_flow and volume")
        coriolis = {"mass_flow", "density", "temp"}
        if coriolis & self.figures.keys() not in (coriolis, set()):
            raise ValueError("a Coriolis meter has mass_flow, density and temp")
        return self

    @property
    def coriolis(self) -> bool:
        """True if it measures mass, density and temperature, too."""
        return "mass_flow" in self.figures

    @property
    def reading(self) -> tuple[str, ...]:
        """The figures of one reading, in the order of the scan list where there is one."""
        return tuple(name for name in ("volume_flow", "volume", "mass_flow", "density", "temp") if name in self.figures)

    def address(self, number: int) -> int:
        """The wire's address of the manual's ``number``."""
        return number + self.address_offset

    def area_of(self, figure: Figure | Status) -> Area:
        """Where it stands."""
        return figure.area or self.area


@cache
def load_profile(name: str) -> Profile:
    """The profile of the driver ``name``."""
    text = files("meterbench.instruments.master_meter.profiles").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Profile.model_validate(tomllib.loads(text))
