"""The checksum of the legally relevant software covers its code and data (ADR-034)."""

from __future__ import annotations

import importlib.util
import random
import shutil
from pathlib import Path

import pytest

from meterbench.dut.reference_meter import metrology
from meterbench.dut.reference_meter.metrology.display.segments import spell
from meterbench.dut.reference_meter.metrology.identity import SOFTWARE_ID, software_checksum

PACKAGE = Path(metrology.__file__).parent


def checksum_of(package: Path) -> str:
    """What the package in this folder says of itself."""
    spec = importlib.util.spec_from_file_location("identity_of_a_copy", package / "identity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checksum: str = module.software_checksum()
    return checksum


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package as it is delivered."""
    copy = tmp_path / "metrology"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def files(package: Path) -> list[Path]:
    return sorted(path for path in package.rglob("*") if path.is_file())


def test_it_can_be_shown_and_is_that_of_any_copy(package: Path) -> None:
    """Eight hexadecimal digits, as many times as one asks, and wherever the package lies."""
    assert len(software_checksum()) == 8
    int(software_checksum(), 16)
    assert software_checksum() == software_checksum() == checksum_of(package)
    spell(software_checksum())
    spell(SOFTWARE_ID)


@pytest.mark.requirement("ADR-034")
def test_a_changed_byte_of_any_file_shows(package: Path) -> None:
    """In code and data, in its first byte, its last, and one in between; empty files grow by one."""
    chance = random.Random(1)
    original = checksum_of(package)
    identity = package / "identity.py"
    for path in files(package):
        content = path.read_bytes()
        places = {0, len(content) - 1, chance.randrange(len(content))} if content else set()
        changed = [content + b" "]
        for place in places if path != identity else ():
            changed.append(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        for other in changed:
            path.write_bytes(other)
            assert checksum_of(package) != original, (path, other)
        path.write_bytes(content)
    assert checksum_of(package) == original


@pytest.mark.requirement("ADR-034")
def test_files_that_come_go_or_change_their_name_show(package: Path) -> None:
    original = checksum_of(package)
    extra = package / "records" / "extra.py"
    extra.write_bytes(b"")
    assert checksum_of(package) != original
    extra.unlink()
    renamed = package / "clock.py"
    renamed.rename(package / "cloak.py")
    assert checksum_of(package) != original
    (package / "cloak.py").rename(package / "records" / "clock.py")
    assert checksum_of(package) != original
    (package / "records" / "clock.py").unlink()
    assert checksum_of(package) != original


@pytest.mark.requirement("ADR-034")
def test_contents_that_change_places_show(package: Path) -> None:
    original = checksum_of(package)
    one, other = package / "clock.py", package / "modes.py"
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])
    assert checksum_of(package) != original


def test_line_endings_and_compiled_files_do_not_matter(package: Path) -> None:
    """The same sources on another system are the same software."""
    original = checksum_of(package)
    for path in files(package):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert checksum_of(package) == original
    compiled = package / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "clock.cpython-311.pyc").write_bytes(b"anything")
    assert checksum_of(package) == original


@pytest.mark.requirement("ADR-034")
def test_every_file_of_the_package_is_covered(package: Path) -> None:
    """There is no code or data of a kind that the checksum leaves out."""
    assert {path.suffix for path in files(package)} == {".py", ".toml"}


@pytest.mark.requirement("ADR-034")
@pytest.mark.parametrize("name", ["clock.so", "type_data.json", "records/table"])
def test_a_file_of_another_kind_shows(package: Path, name: str) -> None:
    """An extension module goes before the source of the same name: Python would run it."""
    original = checksum_of(package)
    (package / name).write_bytes(b"anything")
    assert checksum_of(package) != original


@pytest.mark.requirement("ADR-034")
def test_two_files_cannot_be_passed_off_as_one(package: Path) -> None:
    """What a file ends with is not taken for the next one's name."""
    original = checksum_of(package)
    first, second = package / "modes.py", package / "non_volatile.py"
    first.write_bytes(first.read_bytes() + b"non_volatile.py" + second.read_bytes())
    second.unlink()
    assert checksum_of(package) != original
