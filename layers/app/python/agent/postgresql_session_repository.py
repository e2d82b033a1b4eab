"""The session repository under the import path of the agent package."""

from session_store.repository import PostgreSQLSessionRepository

__all__ = ["PostgreSQLSessionRepository"]
