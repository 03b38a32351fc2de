"""Which flow rates an ADR meter is rated for: the 21 variants of ADR-003, and what each is marked with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meterbench.dut.designation import Designation
from meterbench.errors import ConfigError

RATIOS: dict[int, dict[Decimal, tuple[int, ...]]] = {
    15: {Decimal("1.6"): (250, 400, 800), Decimal("2.5"): (250, 400, 800, 1600)},
    20: {Decimal("2.5"): (250, 400, 800), Decimal("4"): (250, 400, 800, 1600)},
    25: {Decimal("4"): (250, 400, 800), Decimal("6.3"): (250, 400, 800, 1600)},
}
"""Allowed Q3/Q1 by nominal diameter and Q3 in m3/h (technical description, 2; ADR-003)."""


@dataclass(frozen=True, slots=True)
class Rating:
    """Q3 and Q3/Q1 of a variant, its flow rates in L/h, and the classes of ADR-004.

    Flow rates follow from Q3 and the ratio with exact decimals, never from a certificate's rounded figures
    (ISO 4064-1, 4.1: Q1 = Q3/R, Q2 = 1.6 Q1, Q4 = 1.25 Q3).
    """

    dn: int
    q3_m3_h: Decimal
    ratio: int
    accuracy_class: int = 2
    temperature_class: str = "T50"
    max_pressure_mpa: float = 1.6
    pressure_loss_class: str = "p40"
    """The description says p40 in one place and dp63 in another (OPEN-1): the nameplate decides."""

    @property
    def q1_exact_l_h(self) -> Decimal:
        """Minimum flow rate."""
        return self.q3_exact_l_h / self.ratio

    @property
    def q2_exact_l_h(self) -> Decimal:
        """Transitional flow rate; belongs to the upper zone."""
        return self.q1_exact_l_h * Decimal("1.6")

    @property
    def q3_exact_l_h(self) -> Decimal:
        """Permanent flow rate."""
        return self.q3_m3_h * 1000

    @property
    def q4_exact_l_h(self) -> Decimal:
        """Overload flow rate."""
        return self.q3_exact_l_h * Decimal("1.25")

    @property
    def q1_l_h(self) -> float:
        return float(self.q1_exact_l_h)

    @property
    def q2_l_h(self) -> float:
        return float(self.q2_exact_l_h)

    @property
    def q3_l_h(self) -> float:
        return float(self.q3_exact_l_h)

    @property
    def q4_l_h(self) -> float:
        return float(self.q4_exact_l_h)

    def __str__(self) -> str:
        return f"DN{self.dn} Q3 {self.q3_m3_h} R{self.ratio}"


def all_ratings() -> tuple[Rating, ...]:
    """Every variant there is, by DN, Q3 and ratio."""
    return tuple(
        Rating(dn, q3_m3_h, ratio)
        for dn, by_q3 in RATIOS.items()
        for q3_m3_h, ratios in by_q3.items()
        for ratio in ratios
    )


def rating(designation: Designation, q3_m3_h: Decimal | float | str, ratio: int) -> Rating:
    """The rating of a meter with this designation; ``ConfigError`` if no such variant is made."""
    try:
        exact_q3 = Decimal(str(q3_m3_h))
    except ArithmeticError:
        exact_q3 = Decimal("NaN")
    for made in all_ratings():
        if made.dn == designation.dn and made.q3_m3_h == exact_q3 and made.ratio == ratio:
            return made
    allowed = "; ".join(
        f"Q3 {q3} with R {', '.join(str(choice) for choice in ratios)}" for q3, ratios in RATIOS[designation.dn].items()
    )
    raise ConfigError(f"{designation}: no variant has Q3 {q3_m3_h} m3/h with R {ratio}; allowed are {allowed}")
