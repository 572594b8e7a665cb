"""Hyperliquid perpetuals: cross and isolated accounts, unified accounts, the rule of 2023, and portfolio margin."""
