"""Formulas here work on one number and on an array of them alike; these are the types that say so."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = float | Array
Value = TypeVar("Value", float, Array, Numbers)
"""The same shape out as in."""
