"""What acts: k policies, stacked."""
