"""Display: what the nine digits and the icons show at each tick, down to the bits that drive the glass (ADR-073)."""
