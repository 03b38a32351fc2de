"""An edition of the standard as data: windows, limits and conditions, with what was not checked marked as such."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from meterbench.dut.variants import Rating


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """A test flow rate of a meter, L/h: the run's mean flow must lie in the window, the target lies well inside."""

    name: str
    zone: str
    """``lower`` (Q1 <= Q < Q2) or ``upper``: decided by the nominal point."""
    lower_l_h: float
    target_l_h: float
    upper_l_h: float
    clause: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the standard and where it stands."""

    value: float
    clause: str


class Edition:
    """One edition's tables; made by ``load``."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self._tables = tables
        self.id: str = tables["id"]
        self.title: str = tables["title"]

    def header(self, clause: str) -> dict[str, Any]:
        """What a record says of the edition that it was judged by."""
        covered = self._tables["initial_verification"] if clause == self.verification_clause else {}
        return {
            "id": self.id,
            "title": self.title,
            "clause": clause,
            "not_covered": covered.get("not_covered", []),
            "unconfirmed": self.unconfirmed(),
        }

    def flow_point(self, name: str, rating: Rating) -> FlowPoint:
        """The flow point ``name`` (``Q1``, ``Q2``, ``Q3``) for a meter of this rating."""
        row = self._tables["flow_points"][name]
        base = {"Q1": rating.q1_l_h, "Q2": rating.q2_l_h, "Q3": rating.q3_l_h}[row["base"]]
        return FlowPoint(
            name, row["zone"], base * row["lower"], base * row["target"], base * row["upper"], row["clause"]
        )

    def verification_points(self, rating: Rating) -> list[FlowPoint]:
        """The flow points of an initial verification in the order of measuring."""
        return [self.flow_point(name, rating) for name in self._tables["initial_verification"]["flow_points"]]

    @property
    def verification_clause(self) -> str:
        """Clause of the initial verification."""
        clause: str = self._tables["initial_verification"]["clause"]
        return clause

    def mpe_percent(self, zone: str, water_temp_c: float, temp_uncertainty_k: float, accuracy_class: int) -> float:
        """Maximum permissible error in per cent.

        The column above 30 degC holds only for water that is certainly above: in doubt the stricter one.
        """
        row = self._tables["mpe"][str(accuracy_class)]
        if zone == "lower":
            return float(row["lower"])
        return float(row["upper_above_30_c" if water_temp_c - temp_uncertainty_k > 30.0 else "upper_to_30_c"])

    def condition(self, name: str) -> Figure:
        """A figure of ``[conditions]`` or ``[initial_verification]``."""
        row = self._tables["conditions"].get(name) or self._tables["initial_verification"][name]
        return Figure(row["value"], row["clause"])

    def plan(self, name: str) -> float:
        """A figure of ``[plan]``: ours, not the standard's."""
        return float(self._tables["plan"][name])

    def unconfirmed(self) -> list[str]:
        """The figures that were not checked against the printed standard, for the report."""
        found: list[str] = []
        for section in ("mpe", "flow_points", "conditions", "initial_verification"):
            for name, row in self._tables[section].items():
                if isinstance(row, dict) and not row["confirmed"]:
                    numbers = ", ".join(
                        f"{key} {part}" for key, part in row.items() if key not in ("confirmed", "clause")
                    )
                    found.append(f"{section.replace('_', ' ')}: {name} ({numbers})")
        return found


def load(edition_id: str = "2014") -> Edition:
    """The tables of an edition."""
    text = (files("meterbench.procedures") / "editions" / f"{edition_id}.toml").read_text(encoding="utf-8")
    return Edition(tomllib.loads(text))
