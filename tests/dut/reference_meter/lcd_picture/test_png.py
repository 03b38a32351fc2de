"""The picture as PNG."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from matplotlib.image import imread

from meterbench.dut.reference_meter.hardware.lcd import WIRING
from meterbench.dut.reference_meter.lcd_picture.png import png_picture

EVERY = frozenset(WIRING)


@pytest.mark.parametrize(("scale", "width", "height"), [(0.5, 400, 125), (1.0, 800, 250), (2.0, 1600, 500)])
def test_signature_and_size(scale: float, width: int, height: int) -> None:
    picture = png_picture(EVERY, scale)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (width, height)


def test_what_is_lit_is_dark_on_the_picture() -> None:
    """A segment darkens its own place, and the rest stays as it was."""
    pictures = (png_picture(frozenset()), png_picture(frozenset({"digit1.g"})))
    blank, one = (imread(io.BytesIO(picture))[..., :3].mean(axis=2) for picture in pictures)
    rows, columns = np.nonzero(np.abs(blank - one) > 0.1)
    assert one[rows, columns].mean() < 0.3
    assert 70 < columns.min() < columns.max() < 160
    assert 115 < rows.min() < rows.max() < 145


def test_the_same_segments_give_the_same_file() -> None:
    assert png_picture(frozenset({"digit1.a"})) == png_picture(frozenset({"digit1.a"}))
    assert png_picture(frozenset({"digit1.a"})) != png_picture(frozenset({"digit1.b"}))
