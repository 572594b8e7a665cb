"""Single published formulas of exchanges without a rule set here: Gate, Phemex, bit.com, Kraken, Dederi."""
