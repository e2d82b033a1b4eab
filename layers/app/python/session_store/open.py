"""The transport that a URL names."""

from .errors import ConfigurationError
from .settings import StoreSettings
from .store import Store


def open_store(settings: StoreSettings) -> Store:
    """The process's store for these settings: SQL for `postgresql://`, the session backend for `http(s)://`."""
    if settings.is_postgresql:
        from .postgresql import open_store as open_postgresql

        return open_postgresql(settings)
    raise ConfigurationError("the session backend is not reachable by this version; use postgresql://")
