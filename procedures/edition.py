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


@dataclass(frozen=True, slots=True)
class Test:
    """A test of the type evaluation: what it is called, and its own figures."""

    key: str
    """As in the table: ``dry_heat``."""
    clause: str
    title: str
    requirements: tuple[str, ...]
    samples: int
    """How many meters at least; 0: all in the line."""
    _figures: dict[str, Any]

    __test__ = False  # nothing for pytest

    @property
    def name(self) -> str:
        """The procedure's name in steps and rows: ``dry-heat``."""
        return self.key.replace("_", "-")

    def value(self, figure: str) -> float:
        """A single number."""
        return float(self._figures[figure]["value"])

    def data(self, figure: str, part: str) -> Any:
        """A part of a figure that is more than a number: a list, a text."""
        return self._figures[figure][part]


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

    def flow_point(self, key: str, rating: Rating) -> FlowPoint:
        """The flow point ``key`` (``Q1``, ``0.35(Q2+Q3)``, ``reference`` …) for a meter of this rating."""
        row = self._tables["flow_points"][key]
        base = {
            "Q1": rating.q1_l_h,
            "Q2": rating.q2_l_h,
            "Q3": rating.q3_l_h,
            "Q4": rating.q4_l_h,
            "Q2+Q3": rating.q2_l_h + rating.q3_l_h,
        }[row["base"]]
        lower, target, upper = (base * row[name] for name in ("lower", "target", "upper"))
        return FlowPoint(row.get("name", key), row["zone"], lower, target, upper, row["clause"])

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

    def durability_percent(
        self, zone: str, water_temp_c: float, temp_uncertainty_k: float, accuracy_class: int
    ) -> tuple[float, float]:
        """After durability: largest shift of the curve, and largest error, per cent; columns as of ``mpe_percent``."""
        table, column = self._tables["durability"], f"class_{accuracy_class}"
        warm = water_temp_c - temp_uncertainty_k > 30.0
        limit = "lower_percent" if zone == "lower" else f"upper_{'above' if warm else 'to'}_30_c_percent"
        return float(table[f"shift_{zone}_percent"][column]), float(table[limit][column])

    def condition(self, name: str) -> Figure:
        """A figure of ``[conditions]``, ``[initial_verification]`` or ``[type_evaluation]``."""
        if name in self._tables["conditions"]:
            row = self._tables["conditions"][name]
        else:
            row = self._tables["initial_verification"][name]
        return Figure(row["value"], row["clause"])

    def of_type_evaluation(self, name: str) -> Figure:
        """A figure that the tests of a type evaluation have in common."""
        row = self._tables["type_evaluation"][name]
        return Figure(row["value"], row["clause"])

    def tests(self) -> list[Test]:
        """The tests of a type evaluation, in the order in which they are carried out."""
        return [self.test(key) for key in self._tables["tests"]]

    def test(self, key: str) -> Test:
        """One of them by its key in the table."""
        row = self._tables["tests"][key]
        figures = {name: part for name, part in row.items() if isinstance(part, dict)}
        return Test(key, row["clause"], row["title"], tuple(row["requirements"]), row["samples"], figures)

    def not_applicable(self) -> dict[str, tuple[str, str]]:
        """By clause: title of a test that the series does not need, and why."""
        return {clause: (row["title"], row["reason"]) for clause, row in self._tables["not_applicable"].items()}

    def plan(self, name: str) -> float:
        """A figure of ``[plan]``: ours, not the standard's."""
        return float(self._tables["plan"][name])

    def unconfirmed(self) -> list[str]:
        """The figures that were not checked against the printed standard, for the report."""
        tables = {
            section: self._tables[section]
            for section in ("mpe", "flow_points", "conditions", "initial_verification", "type_evaluation", "durability")
        }
        tables |= {f"{row['clause']} {row['title']}": row for row in self._tables["tests"].values()}
        found: list[str] = []
        for section, table in tables.items():
            for name, row in table.items():
                if isinstance(row, dict) and not row["confirmed"]:
                    numbers = ", ".join(
                        f"{key} {part}" for key, part in row.items() if key not in ("confirmed", "clause")
                    )
                    found.append(f"{section.replace('_', ' ')}: {name} ({numbers})")
        return found


def load(edition_id: str = "2014", **changes: dict[str, dict[str, Any]]) -> Edition:
    """The tables of an edition; ``changes`` replace figures of tests: ``durability_discontinuous={"cycles": {…}}``.

    A record says what it was judged by: an edition with changes says so in its title.
    """
    text = (files("meterbench.procedures") / "editions" / f"{edition_id}.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    for key, figures in changes.items():
        tables["tests"][key] |= figures
    if changes:
        tables["title"] += f", with other figures in {', '.join(sorted(changes))}"
    return Edition(tables)
