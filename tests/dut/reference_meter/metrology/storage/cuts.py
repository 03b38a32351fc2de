"""Every way in which the supply can fail while something is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meterbench.dut.reference_meter.hardware.memory import Fram, PowerLost


def every_cut(content: bytes, act: Callable[[Fram], object]) -> Iterator[Fram]:
    """The memory, with its supply back, as each cut leaves it: from before the first byte to after the last one."""
    cut = 0
    while True:
        fram = Fram(len(content))
        fram.load(content)
        fram.cut_after(cut)
        try:
            act(fram)
        except PowerLost:
            fram.restore()
            yield fram
            cut += 1
        else:
            return


def bytes_written(content: bytes, act: Callable[[Fram], object]) -> int:
    """How many bytes it takes, cut or not."""
    return sum(1 for _ in every_cut(content, act)) - 1


def with_bits_flipped(fram: Fram, bits: set[int]) -> Fram:
    """Another memory with the same content, but for these bits."""
    damaged = bytearray(fram.dump())
    for bit in bits:
        damaged[bit // 8] ^= 1 << bit % 8
    copy = Fram(fram.size)
    copy.load(bytes(damaged))
    return copy
