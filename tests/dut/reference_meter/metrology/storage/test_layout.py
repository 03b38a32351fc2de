"""The memory map: one region after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.metrology.storage.layout import MemoryMap, Region


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_regions_neither_overlap_nor_leave_gaps(sizes: list[int]) -> None:
    """Every byte of the map belongs to one region."""
    memory_map = MemoryMap({f"region {index}": size for index, size in enumerate(sizes)})
    owners = [
        region.name for region in memory_map.regions for _ in range(region.address, region.address + region.size_bytes)
    ]
    places = [
        place for region in memory_map.regions for place in range(region.address, region.address + region.size_bytes)
    ]
    assert places == list(range(sum(sizes)))
    assert [owners.count(region.name) for region in memory_map.regions] == sizes
    assert memory_map.size_bytes == sum(sizes)


def test_regions_are_found_by_name() -> None:
    """In the order in which they were named; an unknown name is an error."""
    memory_map = MemoryMap({"state": 10, "logs": 7, "hourly": 100})
    assert memory_map.regions == (Region("state", 0, 10), Region("logs", 10, 7), Region("hourly", 17, 100))
    assert [memory_map.address(name) for name in ("state", "logs", "hourly")] == [0, 10, 17]
    with pytest.raises(KeyError, match="daily"):
        memory_map.address("daily")


@pytest.mark.parametrize(("size", "part"), [(1, 1), (2, 2), (3, 4), (1024, 1024), (1025, 2048)])
def test_the_part_is_the_next_power_of_two(size: int, part: int) -> None:
    """Never smaller than the map, never twice as large."""
    assert MemoryMap({"all": size}).part_bytes == part


@pytest.mark.parametrize("size", [0, -1])
def test_a_region_without_size_is_refused(size: int) -> None:
    """And named."""
    with pytest.raises(ValueError, match="region logs cannot have"):
        MemoryMap({"state": 1, "logs": size})
