"""The only training loop, its state, checkpoints and listeners."""
