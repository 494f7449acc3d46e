"""Makes a release in dist/ and tries it: ``make release``."""
