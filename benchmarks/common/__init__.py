"""What the benchmarks share: figures, how they are printed, and how a duration is taken."""
