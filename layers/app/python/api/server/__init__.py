"""The API as a server of one's own: `python -m api.app`, `python -m api.session_backend`."""
