"""Synthetix V3 perpetuals: one cross account over all markets, against the liquidity providers' pool."""
