"""The tree that the module draws is the tree that there is."""

import inspect

import pytest
from strands.types.exceptions import SessionException

import session_store
from session_store import errors
from session_store.strands_errors import as_session_exceptions

DEFINED = [
    kind
    for _, part in inspect.getmembers(errors, inspect.ismodule)
    for _, kind in inspect.getmembers(part, inspect.isclass)
    if kind.__module__ == part.__name__
]


@pytest.mark.parametrize("kind", DEFINED)
def test_every_error_stands_under_the_one_root_and_with_its_code_in_the_drawing(
    kind: type[errors.SessionStoreError],
) -> None:
    assert issubclass(kind, errors.SessionStoreError)
    line = next(line for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line.split())
    assert kind.code in line.replace(":", " ").split()


@pytest.mark.parametrize("kind", DEFINED)
def test_every_error_is_at_the_root_of_the_package(kind: type[errors.SessionStoreError]) -> None:
    assert kind.__name__ in session_store.__all__
    assert getattr(session_store, kind.__name__) is kind


def test_a_code_stands_for_one_class_and_at_most_for_those_below_it() -> None:
    for code in {kind.code for kind in DEFINED}:
        sharing = [kind for kind in DEFINED if kind.code == code]
        assert [kind for kind in sharing if all(issubclass(other, kind) for other in sharing)]


def test_a_refused_value_is_a_value_error_as_callers_of_strands_expect() -> None:
    assert issubclass(errors.InvalidIdentifierError, ValueError)


@pytest.mark.parametrize("error", [errors.SessionBusyError("run", 1.0), errors.SessionNotFoundError("user-1")])
def test_an_error_that_strands_sees_keeps_its_type_and_is_a_session_exception_too(
    error: errors.SessionStoreError,
) -> None:
    kind, text = type(error), str(error)
    with pytest.raises(SessionException) as caught, as_session_exceptions():
        raise error
    assert isinstance(caught.value, kind)
    assert (type(caught.value).__name__, str(caught.value)) == (kind.__name__, text)
