"""Approved policies at work: bundles that are sealed, verified and served without anything that trained them."""
