"""An ADR water meter in software: hardware that the simulated world drives, and firmware that sees only its sensors."""
