"""How the k policies improve for a given assignment (the M-step)."""
