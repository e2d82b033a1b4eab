import pytest

from api.operation import Operation
from api.response import Response
from api.routing import find_operation

OPERATIONS = [
    Operation(operation_id=path, method="GET", path=path, handle=lambda _: Response(200))
    for path in ("/things/{id}", "/things/new", "/things/{id}/parts/{part}")
]


@pytest.mark.parametrize(
    ("path", "operation_id", "parameters"),
    [
        ("/things/1", "/things/{id}", {"id": "1"}),
        ("/things/a%2Fb", "/things/{id}", {"id": "a%2Fb"}),
        ("/things/new", "/things/new", {}),
        ("/things/new/parts/x", "/things/{id}/parts/{part}", {"id": "new", "part": "x"}),
    ],
)
def test_a_path_leads_to_the_operation_with_most_literals(
    path: str, operation_id: str, parameters: dict[str, str]
) -> None:
    operation, found = find_operation(OPERATIONS, "GET", path)
    assert (operation and operation.operation_id, found) == (operation_id, parameters)


@pytest.mark.parametrize(("method", "path"), [("POST", "/things/1"), ("GET", "/things/"), ("GET", "/things/1/parts")])
def test_what_no_operation_serves_leads_nowhere(method: str, path: str) -> None:
    assert find_operation(OPERATIONS, method, path) == (None, {})
