"""The 21 variants, pinned row by row against iso4064.md 5.1."""

from __future__ import annotations

from decimal import Decimal

import pytest

from meterbench.dut.designation import Designation
from meterbench.dut.variants import all_ratings, rating
from meterbench.errors import ConfigError

ROWS = """\
15 1.6  250 6.4    10.24 1600 2000
15 1.6  400 4      6.4   1600 2000
15 1.6  800 2      3.2   1600 2000
15 2.5  250 10     16    2500 3125
15 2.5  400 6.25   10    2500 3125
15 2.5  800 3.125  5     2500 3125
15 2.5 1600 1.5625 2.5   2500 3125
20 2.5  250 10     16    2500 3125
20 2.5  400 6.25   10    2500 3125
20 2.5  800 3.125  5     2500 3125
20 4    250 16     25.6  4000 5000
20 4    400 10     16    4000 5000
20 4    800 5      8     4000 5000
20 4   1600 2.5    4     4000 5000
25 4    250 16     25.6  4000 5000
25 4    400 10     16    4000 5000
25 4    800 5      8     4000 5000
25 6.3  250 25.2   40.32 6300 7875
25 6.3  400 15.75  25.2  6300 7875
25 6.3  800 7.875  12.6  6300 7875
25 6.3 1600 3.9375 6.3   6300 7875
""".splitlines()


@pytest.mark.parametrize("row", ROWS)
def test_flow_rates_are_exact(row: str) -> None:
    """Q1 to Q4 of each variant are the exact decimals of iso4064.md 5.1, and the floats nearest to them."""
    dn, q3_m3_h, ratio, *flows = row.split()
    rated = rating(Designation(int(dn), 1, 1), float(q3_m3_h), int(ratio))
    exact = (rated.q1_exact_l_h, rated.q2_exact_l_h, rated.q3_exact_l_h, rated.q4_exact_l_h)
    assert exact == tuple(Decimal(flow) for flow in flows)
    assert (rated.q1_l_h, rated.q2_l_h, rated.q3_l_h, rated.q4_l_h) == tuple(float(flow) for flow in flows)


def test_there_are_no_other_variants() -> None:
    """Exactly the 21 rows are made, all class 2, T50, 1.6 MPa, p40 (ADR-004, OPEN-1)."""
    made = all_ratings()
    assert [(str(r.dn), str(r.q3_m3_h), str(r.ratio)) for r in made] == [tuple(row.split()[:3]) for row in ROWS]
    classes = {(r.accuracy_class, r.temperature_class, r.max_pressure_mpa, r.pressure_loss_class) for r in made}
    assert classes == {(2, "T50", 1.6, "p40")}


@pytest.mark.parametrize(
    ("dn", "q3_m3_h", "ratio"), [(15, 1.6, 1600), (15, 4, 250), (20, 2.5, 1600), (25, 6.3, 500), (20, "many", 250)]
)
def test_a_variant_that_is_not_made_is_refused(dn: int, q3_m3_h: float | str, ratio: int) -> None:
    """The refusal lists the Q3 and ratios that this nominal diameter has."""
    with pytest.raises(
        ConfigError, match=r"allowed are Q3 \S+ with R 250, 400, 800; Q3 \S+ with R 250, 400, 800, 1600"
    ):
        rating(Designation(dn, 1, 1), q3_m3_h, ratio)
