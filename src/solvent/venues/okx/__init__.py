"""OKX: futures mode (one currency) and multi-currency margin; formulas of portfolio and spot margin."""
