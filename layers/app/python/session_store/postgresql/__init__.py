"""The store over SQL: each call one statement."""

from .store import PostgreSQLStore, open_store

__all__ = ["PostgreSQLStore", "open_store"]
