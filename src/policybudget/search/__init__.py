"""How the training loop is spent to get beyond local optima. A search is a value, wrapped around a rule."""
