"""Drift v2: spot balances and perpetuals of one account in the program's own integers, liquidation and its losses."""
