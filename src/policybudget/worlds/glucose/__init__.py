"""Type 1 diabetes: virtual patients with an insulin pump and a glucose sensor. A simulation, no medical advice."""
