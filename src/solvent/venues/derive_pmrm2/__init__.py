"""Derive's second portfolio manager (PMRM_2): several collaterals, tail and skew scenarios, discounted options."""
