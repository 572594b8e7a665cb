"""Mango v4: one signed health over tokens, spot orders and perpetuals, with three sets of weights."""
