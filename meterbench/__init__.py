"""meterbench: a hardware-in-the-loop test bench for smart water meters, in the manner of ISO 4064."""
