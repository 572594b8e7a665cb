"""Risk-based portfolio margin of stock and options (TIMS): ten prices, all positions of an underlying together."""
