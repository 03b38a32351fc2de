"""Power supplies: those that stand for the meter's battery and log its current, and those of what stands beside it."""
