"""Aave v3: lending against collateral on Ethereum, in the exact integer arithmetic of four versions."""
