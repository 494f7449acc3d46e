"""Saving for retirement: k approved rules for the share in stocks, for savers who differ."""
