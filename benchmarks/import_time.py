"""Start of the command: wall time of ``meterbench --help`` and of importing it, and which imports take it.

    python benchmarks/import_time.py [--json]

Every go is a fresh process. The floor is an interpreter that does nothing.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from common.figures import Figure, main_of
from common.timing import duration_s

PROCESSES = 10
SLOWEST = 5
IMPORT = "import meterbench.cli"


def process_s(*arguments: str) -> float:
    """Median wall seconds of ``PROCESSES`` fresh interpreters with these arguments."""
    command = [sys.executable, *arguments]
    return median(
        duration_s(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(PROCESSES)
    )


def slowest_imports() -> list[tuple[str, float]]:
    """What ``meterbench.cli`` imports itself: names and seconds with all that each brings, the slowest first.

    A line of ``-X importtime`` is ``import time: self us | cumulative us | name``; two blanks more a level.
    """
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", IMPORT], check=True, capture_output=True, text=True
    )
    found = []
    for line in done.stderr.splitlines():
        _, cumulative_us, name = line.removeprefix("import time:").split("|")
        if name.startswith("   ") and not name.startswith("    "):
            found.append((name.strip(), cumulative_us))
        elif name.startswith(" ") and not name.startswith("  "):
            if name.strip() == "meterbench.cli":
                break
            found.clear()  # the level below belonged to another top-level import
    return sorted(((name, int(us) / 1e6) for name, us in found), key=lambda each: -each[1])[:SLOWEST]


def measure() -> list[Figure]:
    """Starts, floor and slowest imports."""
    return [
        Figure("meterbench --help", process_s("-m", "meterbench", "--help"), "s", "at most 0.3"),
        Figure(IMPORT, process_s("-c", IMPORT), "s", "at most 0.3"),
        Figure("floor: an interpreter that does nothing", process_s("-c", "pass"), "s"),
        *(Figure(f"  import of {name}", took_s, "s") for name, took_s in slowest_imports()),
    ]


def main() -> None:
    """Measure and print."""
    main_of(__doc__, "import_time", measure)


if __name__ == "__main__":
    main()
