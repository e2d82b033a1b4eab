"""From the wire to the event and back, on real runtime processes."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.gateway import Gateway, Owner
from tests.integration.runtime_functions.progress import FUNCTIONS, Progress

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    environment = Progress(tmp_path_factory.mktemp("progress")).environment
    with Gateway(environment, port=0, backend_port=0, functions=FUNCTIONS, binary_media_types=["image/*"]) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def test_event_has_the_shape_of_a_rest_api(client: httpx.Client, gateway: Gateway) -> None:
    event = client.post("/ordinary/echo?a=1&a=2&b", content="é", headers={"X-Mixed": "1"}).json()

    context = event["requestContext"]
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/ordinary/{behaviour}",
        "/ordinary/echo",
        "POST",
    )
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == ("é", False, None)
    assert (event["headers"]["X-Mixed"], event["multiValueHeaders"]["X-Mixed"]) == ("1", ["1"])
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["headers"]["X-Forwarded-Port"] == str(gateway.port)
    assert (context["resourcePath"], context["path"], context["stage"]) == (
        "/ordinary/{behaviour}",
        "/ordinary/echo",
        "local",
    )
    assert context["requestId"]
    assert context["extendedRequestId"]
    assert context["identity"] | {"userAgent": ""} == {
        "accessKey": None,
        "accountId": "000000000000",
        "caller": "AIDALOCALOWNER",
        "cognitoAuthenticationProvider": None,
        "cognitoAuthenticationType": None,
        "cognitoIdentityId": None,
        "cognitoIdentityPoolId": None,
        "principalOrgId": None,
        "sourceIp": "127.0.0.1",
        "user": "AIDALOCALOWNER",
        "userAgent": "",
        "userArn": "arn:aws:iam::000000000000:user/local",
    }


def test_absent_parts_of_the_request_are_null(client: httpx.Client) -> None:
    event = client.get("/public").json()

    assert (event["body"], event["pathParameters"]) == (None, None)
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == (None, None)


def test_public_route_knows_no_caller(client: httpx.Client) -> None:
    identity = client.get("/public").json()["requestContext"]["identity"]

    assert (identity["user"], identity["caller"], identity["userArn"], identity["accountId"]) == (None,) * 4


def test_each_listener_speaks_for_its_owner(gateway: Gateway) -> None:
    other = gateway.listen(owner=Owner("AIDAOTHER"))

    users = [
        httpx.get(f"http://127.0.0.1:{port}/ordinary/echo").json()["requestContext"]["identity"]["user"]
        for port in (gateway.port, other, gateway.port)
    ]

    assert users == ["AIDALOCALOWNER", "AIDAOTHER", "AIDALOCALOWNER"]


def test_client_cannot_name_the_owner(client: httpx.Client) -> None:
    forged = {"X-Amzn-Iam-User": "AIDAOTHER", "X-Forwarded-User": "AIDAOTHER"}

    identity = client.get("/ordinary/echo?user=AIDAOTHER", headers=forged).json()["requestContext"]["identity"]

    assert "AIDAOTHER" not in identity.values()


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/ordinary/a%2Fb", {"behaviour": "a%2Fb"}),
        ("/ordinary/%C3%A9%20%E2%98%83", {"behaviour": "%C3%A9%20%E2%98%83"}),
        ("/ordinary/a%252Fb", {"behaviour": "a%252Fb"}),
        ("/ordinary/a+b", {"behaviour": "a+b"}),
        ("/api/v1/one/t%2Fwo", {"proxy": "one/t%2Fwo"}),
    ],
)
def test_path_and_path_parameters_stay_percent_encoded(
    path: str, parameters: dict[str, str], client: httpx.Client
) -> None:
    event = client.get(path).json()

    assert (event["path"], event["pathParameters"]) == (path, parameters)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_takes_every_method(method: str, client: httpx.Client) -> None:
    assert client.request(method, "/api/v1/x").json()["httpMethod"] == method


def test_head_has_the_headers_and_no_body(client: httpx.Client) -> None:
    response = client.head("/api/v1/x")

    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/ordinary"),
        ("GET", "/ordinary/"),
        ("GET", "/ordinary/a/b"),
        ("GET", "/api/v1"),
        ("GET", "/api/v1/"),
        ("PUT", "/ordinary/echo"),
        ("OPTIONS", "/ordinary/echo"),
        ("GET", "/backend-only"),
    ],
)
def test_unknown_route_is_forbidden_as_by_api_gateway(method: str, path: str, client: httpx.Client) -> None:
    response = client.request(method, path)

    assert (response.status_code, response.headers["Content-Type"]) == (403, "application/problem+json")
    assert response.json() == {
        "type": "about:blank",
        "title": "Missing Authentication Token",
        "status": 403,
        "code": "route_not_found",
        "request_id": response.headers["x-amzn-RequestId"],
    }


def test_backend_listener_serves_its_contract_and_nothing_else(gateway: Gateway) -> None:
    statuses = {
        path: httpx.get(gateway.backend_url + path).status_code for path in ("/api/v1/x", "/backend-only", "/public")
    }

    assert statuses == {"/api/v1/x": 200, "/backend-only": 200, "/public": 403}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_loopback_host_with_our_port_is_served(host: str, client: httpx.Client, gateway: Gateway) -> None:
    assert client.get("/public", headers={"Host": f"{host}:{gateway.port}"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", ""]
)
def test_other_host_is_refused(host: str, client: httpx.Client, gateway: Gateway) -> None:
    response = client.get("/public", headers={"Host": host.format(port=gateway.port)})

    assert (response.status_code, response.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
def test_page_of_another_origin_is_refused(origin: str, client: httpx.Client, gateway: Gateway) -> None:
    response = client.post("/ordinary/echo", headers={"Origin": origin.format(port=gateway.port)})

    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")


def test_page_of_our_own_origin_is_served(client: httpx.Client, gateway: Gateway) -> None:
    assert client.post("/ordinary/echo", headers={"Origin": gateway.url}).status_code == 200


def test_response_keeps_status_headers_cookies_and_text(client: httpx.Client) -> None:
    response = client.get("/ordinary/headers")

    assert (response.status_code, response.text) == (201, "é")
    assert response.headers.get_list("x-one") == ["a", "b"]
    assert [response.headers[name] for name in ("x-two", "x-three", "x-four")] == ["2", "true", "é"]
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers["content-type"] == "application/json"


def test_binary_request_body_is_base64_for_a_binary_type_alone(client: httpx.Client) -> None:
    image = client.post("/ordinary/echo", content=b"\xff\x00", headers={"Content-Type": "image/png"}).json()
    text = client.post("/ordinary/echo", content="é".encode(), headers={"Content-Type": "text/plain"}).json()

    assert (base64.b64decode(image["body"]), image["isBase64Encoded"]) == (b"\xff\x00", True)
    assert (text["body"], text["isBase64Encoded"]) == ("é", False)


def test_binary_response_is_decoded_for_a_client_that_accepts_the_type(client: httpx.Client) -> None:
    decoded = client.get("/ordinary/binary", headers={"Accept": "image/png"}).content
    encoded = client.get("/ordinary/binary", headers={"Accept": "text/plain"}).content

    assert (decoded, base64.b64decode(encoded)) == (bytes(range(256)),) * 2


@pytest.mark.parametrize("behaviour", ["malformed", "illegal_header", "large"])
def test_response_that_api_gateway_cannot_read_is_a_502(behaviour: str, client: httpx.Client) -> None:
    response = client.get(f"/ordinary/{behaviour}")

    assert (response.status_code, response.json()["code"]) == (502, "function_failed")
    assert "stolen" not in response.headers.get("set-cookie", "")


@pytest.mark.parametrize("size", [7 * MEBIBYTE, 11 * MEBIBYTE])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_refused_and_the_answer_arrives(size: int, chunked: bool, client: httpx.Client) -> None:
    """7 MB are too large for Lambda's event, 11 MB for API Gateway."""
    content: Any = (bytes(MEBIBYTE) for _ in range(size // MEBIBYTE)) if chunked else b"x" * size

    response = client.post("/ordinary/echo", content=content)

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


def test_body_under_the_limit_is_served(client: httpx.Client) -> None:
    response = client.post("/ordinary/version", content="x" * 5 * MEBIBYTE)

    assert response.status_code == 200
