"""``python -m meterbench``."""

from meterbench.cli import main

main()
