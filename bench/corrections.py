"""Readings of one collection, corrected by their certificates; what no certificate covers is remembered."""

from __future__ import annotations

from collections.abc import Callable

from meterbench.bench.certificate import Certificate
from meterbench.errors import CalibrationError


class Corrections:
    """Corrects readings by role. ``refused`` says why what rests on some of them cannot be judged."""

    def __init__(self, certificate: Callable[[str], Certificate | None] = lambda _role: None) -> None:
        self._certificate = certificate
        self._refused: dict[str, str] = {}

    @property
    def refused(self) -> tuple[str, ...]:
        """What is not known, one phrase for each role that was read beyond the points of its certificate."""
        return tuple(self._refused.values())

    def __call__(self, role: str, reading: float) -> float:
        """The corrected reading; as it was read without a certificate, which is INVALID anyway, or beyond its points.

        A reading beyond the points is in ``refused`` from then on.
        """
        certificate = self._certificate(role)
        if certificate is None:
            return reading
        try:
            return certificate.corrected(reading)
        except CalibrationError as error:
            self._refused.setdefault(role, f"correction of the {role} ({error})")
            return reading
