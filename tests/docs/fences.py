"""Fenced blocks of the documentation, and what their info strings ask for.

``console run [exit=N]``   the ``$`` lines are run in turn; ``N`` is the exit status of the last of them, and
                           what is shown must appear in the output, in order; ``…`` stands for anything
``toml file=PATH``         a station file that later blocks of the page use; with ``refused`` it must not be accepted
``toml station``           a station file that must be accepted
``python run``             must run to its end
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    marks: tuple[str, ...]
    body: str

    def mark(self, name: str) -> str | None:
        """What stands behind ``name=``, or None."""
        return next((mark.partition("=")[2] for mark in self.marks if mark.startswith(f"{name}=")), None)

    @property
    def runs(self) -> bool:
        """True if a test has something to do with it."""
        return "run" in self.marks or self.language == "toml"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        language, *marks = match["info"].split() or [""]
        found.append(Block(language, tuple(marks), match["body"]))
    return found


def commands(body: str) -> list[tuple[str, list[str]]]:
    """The commands of a console block and the output lines shown below each."""
    shown: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            shown.append((line[2:], []))
        elif line.strip():
            shown[-1][1].append(line)
    return shown


def missing_line(shown: list[str], output: str) -> str | None:
    """The first shown line that does not appear in ``output`` after those before it; blanks count as one."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    at = 0
    for line in shown:
        wanted = ".*".join(re.escape(" ".join(part.split())) for part in line.split("…"))
        if wanted == ".*":
            continue
        at = next((number for number in range(at, len(lines)) if _fits(wanted, lines[number])), -1) + 1
        if at == 0:
            return line
    return None


def _fits(wanted: str, line: str) -> bool:
    return re.fullmatch(wanted, line.replace("┃", "│")) is not None
