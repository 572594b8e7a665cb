"""Bybit's unified trading account: perpetuals and futures in cross and isolated margin, formulas of the rest."""
