"""Where ``meterbench lab`` serves a simulated laboratory: what its ``--json`` line says, for a bench to use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from meterbench.errors import ConfigError


class ServedLab(BaseModel):
    """A simulated laboratory that another process serves, in wall time or so many times as fast."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    station: str
    speed: Annotated[float, Field(gt=0)]
    pid: int
    addresses: dict[str, list[str]]
    """By role; where there is one instrument a slot, in order of the slots."""


def load(path: Path) -> ServedLab:
    """Read what ``meterbench lab --json`` printed; ``ConfigError`` if it is something else."""
    try:
        return ServedLab.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, ValidationError) as error:
        raise ConfigError(
            f"{path} is not what `meterbench lab --json` prints once it is open: {str(error).splitlines()[0]}"
        ) from None
