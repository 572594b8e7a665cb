"""Derive's first portfolio manager (PMRM): one underlying, scenarios of spot and volatility."""
