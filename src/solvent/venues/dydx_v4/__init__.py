"""dYdX v4: USDC sub-accounts on a chain of its own, judged in whole quote quantums."""
