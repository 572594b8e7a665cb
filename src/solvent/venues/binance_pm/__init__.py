"""Binance Portfolio Margin: spot, loans, USD-M and COIN-M futures under one ratio, uniMMR."""
