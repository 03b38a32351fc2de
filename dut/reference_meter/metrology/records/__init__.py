"""What the firmware keeps for others to read: three profiles and five event logs (ADR-030 to ADR-032)."""
