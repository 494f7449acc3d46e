"""The page that a reviewer reads: a pure function of an assessment."""
