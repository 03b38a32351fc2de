"""The firmware's own view of its sensors: drivers, inverses, plausibility and debouncing."""
