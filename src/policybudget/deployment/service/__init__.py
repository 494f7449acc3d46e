"""The policies of a bundle over HTTP: who serves whom, and what to do. ``make_app`` in ``app.py`` is all of it."""
