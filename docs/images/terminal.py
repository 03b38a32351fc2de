"""Runs the verification in a pseudo-terminal and draws what a person saw: terminal.html; prints its width and height.

python docs/images/terminal.py FOLDER
"""

from __future__ import annotations

import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 104
_CONTROL = re.compile(r"\r|\n|\x1b\[\??([\d;]*)([A-Za-z])|[^\r\n\x1b]+")


def capture(command: list[str], columns: int) -> str:
    """Everything that ``command`` writes to a terminal of that width."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"})
    received = b""
    while True:
        try:
            received += (chunk := os.read(terminal, 65536))
        except OSError:  # Linux's way to say that the other end was closed
            chunk = b""
        if not chunk:
            os.waitpid(child, 0)
            return received.decode()


def screen(stream: str) -> list[str]:
    """The lines that stay, with their colours: a progress bar is written, wiped and written again."""
    lines, row = [""], 0
    for found in _CONTROL.finditer(stream):
        number, code = found[1], found[2]
        if found[0] == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif code == "K":
            lines[row] = ""
        elif code == "A":
            row = max(0, row - int(number or 1))
        elif code == "m" or (code is None and found[0] != "\r"):
            lines[row] += found[0]
    return lines


def main() -> None:
    """Run, draw, and tell the size of the drawing."""
    folder = Path(sys.argv[1])
    command = [str(Path(sys.executable).parent / "meterbench"), "run", "initial-verification"]
    seen = screen(capture([*command, "--out", str(folder / "first")], COLUMNS))
    text = "\n".join(seen).rstrip().replace(f"{folder}/first", "runs/first")
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text("$ meterbench run initial-verification --out runs/first", style="bold"))
    console.print(Text.from_ansi(text), soft_wrap=True)
    drawing = console.export_svg(title="meterbench")
    width, height = (round(float(number)) for number in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing)[0])
    (folder / "terminal.html").write_text(f'<body style="margin:0">{drawing}</body>', encoding="utf-8")
    print(width, height)


if __name__ == "__main__":
    main()
