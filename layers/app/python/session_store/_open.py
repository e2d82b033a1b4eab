"""The transport that a URL names."""

from typing import TYPE_CHECKING

from .settings import StoreSettings

if TYPE_CHECKING:  # not for its type alone: what applies migrations imports no store
    from .store import Store


def open_store(settings: StoreSettings) -> "Store":
    """The process's store for these settings: SQL for `postgresql://`, the session backend for `http(s)://`."""
    if settings.is_postgresql:
        from .postgresql import open_store as open_postgresql

        return open_postgresql(settings)
    from .http import open_store as open_http

    return open_http(settings)
