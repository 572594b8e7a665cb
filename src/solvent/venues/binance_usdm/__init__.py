"""Binance futures: USD-M in single-asset and multi-asset mode, and COIN-M."""
