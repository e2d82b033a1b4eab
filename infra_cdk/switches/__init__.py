"""The switches of a deployment by subject: their types, defaults and what excludes what. `settings.py` joins them."""
