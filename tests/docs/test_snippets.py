"""What the documentation shows is run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench.station import parse
from meterbench.errors import ConfigError

from .fences import PAGES, Block, blocks, commands, missing_line


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.runs for block in blocks(page))], ids=lambda page: page.name
)
def test_the_blocks_of_a_page_do_what_they_show(page: Path, tmp_path: Path) -> None:
    """Commands end with the status shown and print the lines shown; station files are accepted or refused as said."""
    (tmp_path / "runs").mkdir()
    for block in blocks(page):
        if block.language == "toml":
            _check_station(block, tmp_path)
        elif block.language == "console" and "run" in block.marks:
            _check_console(block, tmp_path)
        elif block.language == "python" and "run" in block.marks:
            done = _execute([sys.executable, "-W", "error", "-c", block.body], tmp_path)
            assert done.returncode == 0, done.stdout
            assert done.stdout.strip()


def _check_station(block: Block, folder: Path) -> None:
    name = block.mark("file")
    if name is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block.body, encoding="utf-8")
    content = tomllib.loads(block.body)
    if "refused" in block.marks:
        with pytest.raises(ConfigError):
            parse(_with_instruments(content), "snippet")
    elif name is not None or "station" in block.marks:
        parse(_with_instruments(content), "snippet")


def _with_instruments(content: dict[str, Any]) -> dict[str, Any]:
    from meterbench.bench.station import STANDARD_INSTRUMENTS

    return {"instruments": STANDARD_INSTRUMENTS} | content if "virtual" in content else content


def _check_console(block: Block, folder: Path) -> None:
    lines = commands(block.body)
    for number, (command, shown) in enumerate(lines):
        words = shlex.split(command)
        assert words[0] == "meterbench", f"only meterbench is run from the documentation, not {command}"
        done = _execute([sys.executable, "-m", "meterbench", *words[1:]], folder)
        expected = int(block.mark("exit") or 0) if number == len(lines) - 1 else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}"
        missing = missing_line(shown, done.stdout)
        assert missing is None, f"{command}\ndoes not print {missing!r}, but\n{done.stdout}"


def _execute(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "140", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_line_that_is_not_printed_is_noticed() -> None:
    """The comparison can fail: order, text and the rest of a line matter; blanks and what ``…`` stands for do not."""
    output = "one  two\nthree 3.14 four\n"
    assert missing_line(["one two", "three … four"], output) is None
    assert missing_line(["three … four", "one two"], output) == "one two"
    assert missing_line(["three …  five"], output) == "three …  five"
    assert missing_line(["one"], output) == "one"
