"""The decision rules of ISO 4064 as pure functions: errors in, verdict out. Per cent throughout."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from meterbench.errors import ConfigError


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


def mean(errors: Sequence[float]) -> float:
    """Arithmetic mean; NaN of nothing."""
    return math.fsum(errors) / len(errors) if errors else math.nan


def repeatability(errors: Sequence[float]) -> float:
    """Standard deviation (n - 1) of results at one nominal flow rate; NaN of fewer than two."""
    if len(errors) < 2:
        return math.nan
    centre = mean(errors)
    return math.sqrt(math.fsum((error - centre) ** 2 for error in errors) / (len(errors) - 1))


def point_to_run_again(errors: Mapping[str, Sequence[float]], mpe: Mapping[str, float], runs_to_decide: int) -> str:
    """ISO 4064-2, 7.4.5: the one flow rate that gets a further run, or an empty string.

    Only where errors exceed the MPE at one flow rate and at no other, and fewer than ``runs_to_decide`` results exist
    there.
    """
    exceeded = [point for point, found in errors.items() if not all(within(error, mpe[point]) for error in found)]
    return exceeded[0] if len(exceeded) == 1 and len(errors[exceeded[0]]) < runs_to_decide else ""


def curve_failures(errors: Mapping[str, Sequence[float]], mpe: Mapping[str, float], runs_to_decide: int) -> list[str]:
    """ISO 4064-2, 7.4.5: the flow rates at which a meter fails. Every result is within the MPE; at one flow rate at the
    most, of ``runs_to_decide`` results all but one and their mean are. A flow rate without results fails."""
    exceeded = [
        point for point, found in errors.items() if not found or not all(within(error, mpe[point]) for error in found)
    ]
    if len(exceeded) == 1 and len(errors[exceeded[0]]) >= runs_to_decide:
        only = exceeded[0]
        return [] if point_passes(errors[only], mpe[only], runs_to_decide) else [only]
    return exceeded


def curve_shift(before: Sequence[float], after: Sequence[float]) -> float:
    """How far the mean error at a flow rate has moved, >= 0; NaN without results on either side."""
    return abs(mean(after) - mean(before))


def fault(during: float, intrinsic: float) -> float:
    """ISO 4064-1, 3: difference of the error under a disturbance and the meter's own error without it (signed)."""
    return during - intrinsic


def water_temp_range_c(temperature_class: str) -> tuple[float, float]:
    """ISO 4064-1, 4.2.4: lowest and highest water temperature of a class: T50 0.1 to 50 degC, T30/70 30 to 70 degC.

    ``ConfigError`` for what is no class.
    """
    found = re.fullmatch(r"T(?:(30)/)?(30|50|70|90|130|180)", temperature_class)
    if found is None or found[1] == found[2]:
        raise ConfigError(
            f"temperature class {temperature_class!r}: there is none; allowed are T50, T30/70 and the like"
        )
    return float(found[1] or 0.1), float(found[2])


def pressure_loss_limit_kpa(loss_class: str) -> float:
    """ISO 4064-1, 6.5: the largest pressure loss between Q1 and Q3 of a class, written p40, dp63 or ΔP 63.

    ``ConfigError`` for what is no class.
    """
    found = re.fullmatch(r"(?:d|Δ|∆)?\s*p\s*(63|40|25|16|10)", loss_class.strip(), re.IGNORECASE)
    if found is None:
        raise ConfigError(f"pressure loss class {loss_class!r}: there is none; allowed are p10, p16, p25, p40, p63")
    return float(found[1])


def rescaled_loss_kpa(loss_kpa: float, measured_l_h: float, wanted_l_h: float) -> float:
    """ISO 4064-2, 7.9: a loss at a flow close to the one that is wanted goes with the square of the flow."""
    return loss_kpa * (wanted_l_h / measured_l_h) ** 2


def pressure_fall_percent(start: float, end: float) -> float:
    """ISO 4064-2, 7.3: what a pressure that was shut in has lost, of itself; NaN where there was none."""
    return 100.0 * (start - end) / start if start > 0.0 else math.nan


def steepest_k_min(at_s: Sequence[float], temp_c: Sequence[float], over_s: float) -> float:
    """IEC 60068-2-1 and -2-2: the largest rate of change of a temperature in K/min, >= 0, each mean over ``over_s``, or
    to the next sample after it. NaN without two samples so far apart, or with one that is no number."""
    if any(not math.isfinite(each) for each in temp_c):
        return math.nan
    rates = []
    last = 0
    for first, began_s in enumerate(at_s):
        while last < len(at_s) and at_s[last] - began_s < over_s:
            last += 1
        if last == len(at_s):
            break
        rates.append(60.0 * abs(temp_c[last] - temp_c[first]) / (at_s[last] - began_s))
    return max(rates, default=math.nan)


def absolute_humidity_g_m3(temp_c: float, humidity_percent: float) -> float:
    """OIML D 11, dry heat: water in air of a temperature and a relative humidity (vapour as an ideal gas; saturation
    over water by Magnus with the coefficients of WMO No. 8)."""
    vapour_hpa = humidity_percent / 100.0 * 6.112 * math.exp(17.62 * temp_c / (243.12 + temp_c))
    return 216.68 * vapour_hpa / (temp_c + 273.15)


def damp_heat_c(
    at_s: float, lower_c: float, upper_c: float, rise_s: float, upper_until_s: float, fall_s: float
) -> float:
    """IEC 60068-2-30: the air's temperature at a time of one cycle of damp heat: up, held, down, held."""
    if at_s < rise_s:
        return lower_c + (upper_c - lower_c) * at_s / rise_s
    if at_s <= upper_until_s:
        return upper_c
    return max(lower_c, upper_c - (upper_c - lower_c) * (at_s - upper_until_s) / fall_s)
