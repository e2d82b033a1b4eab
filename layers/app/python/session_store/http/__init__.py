"""The store through the session backend's REST API: each call one request."""

from .store import HttpStore, open_store

__all__ = ["HttpStore", "open_store"]
