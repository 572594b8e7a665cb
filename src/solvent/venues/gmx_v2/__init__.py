"""GMX V2: isolated positions against a liquidity pool."""
