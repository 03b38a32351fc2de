"""The requirements of the technical description, by number: what a traceability matrix must account for."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import cast


def load() -> dict[str, str]:
    """``ADR-nnn`` -> short title, in the order of the description."""
    text = (files("meterbench.procedures") / "requirements.toml").read_text(encoding="utf-8")
    return cast(dict[str, str], tomllib.loads(text)["titles"])
