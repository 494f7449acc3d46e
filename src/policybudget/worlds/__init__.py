"""Where policies act."""
