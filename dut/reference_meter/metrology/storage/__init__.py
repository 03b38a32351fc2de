"""How the firmware keeps things so that power may be lost at any byte of a write."""
