"""What follows a training and never changes it."""
