"""A pack: cells of one type, parallel and alike, that are put in and taken out together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from meterbench.dut.reference_meter.hardware.power.cell import Cell, cell_type


class Inserted(Protocol):
    """What can stand in a place: a pack, or a supply's leads instead of one (``played_pack``)."""

    @property
    def open_v(self) -> float:
        """Voltage without load."""

    @property
    def limit_ma(self) -> float:
        """More it does not give; inf for cells."""

    def fits(self, cell_name: str) -> bool:
        """Does it go into a place for packs of this type?"""

    def resistance_ohm(self, temp_c: float) -> float: ...

    def voltage_v(self, load_ma: float, temp_c: float) -> float: ...

    def age(self, duration_s: float, drawn_mah: float) -> None: ...

    def wear(self, drawn_mah: float) -> None: ...

    def steady_s(self, current_ma: float, temp_c: float) -> float: ...

    def copy(self) -> Inserted: ...


@dataclass(slots=True, eq=False)
class Pack:
    """Cells that share every load evenly: the state of one is the state of all."""

    cell: Cell
    cells: int = 1

    @property
    def used_mah(self) -> float:
        """Charge drawn from the whole pack."""
        return self.cells * self.cell.used_mah

    @property
    def soc(self) -> float:
        return self.cell.soc

    @property
    def open_v(self) -> float:
        return self.cell.open_v

    @property
    def limit_ma(self) -> float:
        """Cells have none but their resistance."""
        return math.inf

    def fits(self, cell_name: str) -> bool:
        """Only cells of its own type are as large."""
        return self.cell.type.name == cell_name

    def resistance_ohm(self, temp_c: float) -> float:
        """Of the whole pack, films included."""
        return self.cell.resistance_ohm(temp_c) / self.cells

    def voltage_v(self, load_ma: float, temp_c: float) -> float:
        """Voltage under a load on the whole pack."""
        return self.cell.voltage_v(load_ma / self.cells, temp_c)

    def age(self, duration_s: float, drawn_mah: float) -> None:
        """Live through a time in which a charge is drawn from the pack evenly."""
        self.cell.age(duration_s, drawn_mah / self.cells)

    def rest(self, duration_s: float) -> None:
        """Lie on a shelf."""
        self.age(duration_s, 0.0)

    def wear(self, drawn_mah: float) -> None:
        """Give a charge at once, somewhere else."""
        self.age(0.0, drawn_mah)

    def steady_s(self, current_ma: float, temp_c: float) -> float:
        """For how long the pack's voltage and resistance stay as they are at this current."""
        return self.cell.steady_s(current_ma / self.cells, temp_c)

    def copy(self) -> Pack:
        """Another pack in the same state."""
        return Pack(replace(self.cell), self.cells)


def fresh_pack(cell_name: str, cells: int = 1) -> Pack:
    """A new pack of cells of a type in ``cells.toml``; ``KeyError`` for another."""
    if cells < 1:
        raise ValueError(f"a pack of {cells} cells {cell_name} is none")
    return Pack(Cell(cell_type(cell_name)), cells)
