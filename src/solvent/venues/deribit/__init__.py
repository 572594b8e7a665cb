"""Deribit: standard margin with cross collateral; formulas of options and of portfolio margin for futures."""
