"""Margin on net Greeks with correlations between underlyings."""
