"""The window on the PLC's log of cycles: summaries as words (register map 1.1, from word 210 on).

A write to ``cycle_window`` copies the summaries of ``WINDOW`` cycles into the window, where they stay until the next
write; each is read with its number, so that a stale one is noticed. Numbers are in the map's order ABCD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
"""An array of ``SUMMARY``."""

SUMMARY: Final = np.dtype(
    [
        ("number", ">u4"),
        ("rise_s", ">f4"),
        ("on_s", ">f4"),
        ("fall_s", ">f4"),
        ("off_s", ">f4"),
        ("flow_l_h", ">f4"),
        ("volume_l", ">f4"),
        ("pressure_upstream_kpa", ">f4"),
        ("pressure_downstream_kpa", ">f4"),
        ("water_temp_c", ">f4"),
    ]
)
"""One cycle; number 0 for one that is not in the log. Names and meaning are those of ``capabilities.CycleSummary``."""
SUMMARY_WORDS: Final = SUMMARY.itemsize // 2
SUMMARIES_A_READ: Final = 6
"""120 words: FC3 gives 125 at the most."""
WINDOW: Final = 60
"""Summaries in the window: ten reads."""
WINDOW_ADDRESS: Final = 210
WINDOW_WORDS: Final = WINDOW * SUMMARY_WORDS


def words_of(summaries: Records) -> list[int]:
    """``SUMMARY_WORDS`` words for each."""
    return [int(word) for word in np.frombuffer(summaries.tobytes(), dtype=">u2")]


def summaries_of(words: Sequence[int]) -> Records:
    """The summaries in so many words; ``ValueError`` unless they are whole."""
    return np.frombuffer(np.array(words, dtype=">u2").tobytes(), dtype=SUMMARY)
