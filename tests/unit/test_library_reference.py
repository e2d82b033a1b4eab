import inspect

import session_store
from tests.support.reference import PAGE, make_page


def test_the_reference_of_the_library_is_what_its_docstrings_say() -> None:
    assert PAGE.read_text() == make_page(), "run `make reference`"


def test_every_public_class_says_what_it_is() -> None:
    names = [name for name in session_store.__all__ if name[0].isupper() and not name.endswith("NotFoundError")]
    assert [name for name in names if not inspect.getdoc(getattr(session_store, name))] == []
