"""Balances: Mettler-Toledo over MT-SICS, driver and simulator."""
