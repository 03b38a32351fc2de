"""The decision rules of ISO 4064 as pure functions: errors in, verdict out. Per cent throughout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def within(error: float, mpe: float) -> bool:
    """The limits themselves belong to the permissible errors."""
    return abs(error) <= mpe


def point_passes(errors: Sequence[float], mpe: float, runs_to_decide: int) -> bool:
    """One result must be within the MPE; of ``runs_to_decide``, all but one of them and the mean of all.

    Fewer results than that are all asked to be within.
    """
    if not errors:
        return False
    inside = sum(within(error, mpe) for error in errors)
    if len(errors) < runs_to_decide:
        return inside == len(errors)
    return inside >= len(errors) - 1 and within(sum(errors) / len(errors), mpe)


def point_to_repeat(first_errors: Mapping[str, float], mpe: Mapping[str, float]) -> str | None:
    """The one flow point at which further runs decide; None if nothing exceeds the MPE, or more than one point does."""
    exceeded = [point for point, error in first_errors.items() if not within(error, mpe[point])]
    return exceeded[0] if len(exceeded) == 1 else None


def same_sign_share(mean_errors: Mapping[str, float], mpe: Mapping[str, float]) -> float:
    """If all errors have the same sign: the smallest |error| as a part of its own MPE (0..); else 0.

    The rule asks that it be at most one half (ISO 4064-1, 7.2.3): a meter must not favour one party over its range.
    NaN if there is no error, or one that is not a number: then nothing can be said.
    """
    errors = list(mean_errors.values())
    if not errors or not all(math.isfinite(error) for error in errors):
        return math.nan
    if not (all(error > 0 for error in errors) or all(error < 0 for error in errors)):
        return 0.0
    return min(abs(error) / mpe[point] for point, error in mean_errors.items())
