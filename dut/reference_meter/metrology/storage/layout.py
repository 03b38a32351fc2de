"""Where everything has its place in the memory: regions one after the other, so that none can overlap another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the memory."""

    name: str
    address: int
    size_bytes: int


class MemoryMap:
    """Regions in the order of their ``sizes_bytes``, from address 0 on; ``ValueError`` for one without size."""

    def __init__(self, sizes_bytes: Mapping[str, int]) -> None:
        for name, size_bytes in sizes_bytes.items():
            if size_bytes <= 0:
                raise ValueError(f"memory map: the region {name} cannot have {size_bytes} bytes")
        ends = list(accumulate(sizes_bytes.values(), initial=0))
        self.size_bytes = ends[-1]
        self.regions = tuple(
            Region(name, address, size_bytes)
            for (name, size_bytes), address in zip(sizes_bytes.items(), ends[:-1], strict=True)
        )
        self._address = {region.name: region.address for region in self.regions}

    def address(self, name: str) -> int:
        """Where a region begins; ``KeyError`` for a name that is not on the map."""
        return self._address[name]

    @property
    def part_bytes(self) -> int:
        """The smallest memory that holds it all: they are made in powers of two."""
        return 1 << (self.size_bytes - 1).bit_length()
