"""The tree that the module draws is the tree that there is."""

import inspect

import pytest
from strands.types.exceptions import SessionException

from session_store import errors
from session_store.strands_errors import as_session_exceptions


def test_every_error_stands_under_the_one_root_and_in_the_drawing() -> None:
    defined = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__]
    assert len(defined) > 10
    for kind in defined:
        assert issubclass(kind, errors.SessionStoreError)
        assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("error", [errors.SessionBusyError("run", 1.0), errors.SessionNotFoundError("user-1")])
def test_an_error_that_strands_sees_keeps_its_type_and_is_a_session_exception_too(
    error: errors.SessionStoreError,
) -> None:
    kind, text = type(error), str(error)
    with pytest.raises(SessionException) as caught, as_session_exceptions():
        raise error
    assert isinstance(caught.value, kind)
    assert (type(caught.value).__name__, str(caught.value)) == (kind.__name__, text)
