"""Pages of other origins, at both edges and at the local gateway."""

from collections.abc import Iterator

import httpx
import pytest

from api.settings import Settings
from local.gateway import Gateway
from session_store.errors import ConfigurationError
from session_store.postgresql import open_store
from session_store.settings import StoreSettings
from tests.support.http_api import HttpApi, load_handler

APP = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,authorization"}


@pytest.fixture(scope="module")
def gateway(shared_database_url: str) -> Iterator[Gateway]:
    environment = {"SESSION_BACKEND_URL": shared_database_url, "CORS_ORIGINS": f"http://localhost:5173, {APP}"}
    with Gateway(environment, port=0, backend_port=0) as gateway:
        yield gateway


@pytest.fixture(params=["api_gateway", "asgi"])
def api(request: pytest.FixtureRequest, shared_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpApi]:
    monkeypatch.setenv("SESSION_BACKEND_URL", shared_database_url)
    monkeypatch.setenv("CORS_ORIGINS", APP)
    yield HttpApi(request.param, sessions=load_handler("sessions"))
    open_store(StoreSettings(url=shared_database_url)).close()


def test_answers_and_errors_name_the_origin_that_may_read_them(api: HttpApi) -> None:
    for path, status in (("/sessions", 200), ("/runs/{run_id}", 404)):
        parameters = {"run_id": "unknown"} if status == 404 else {}
        answer = api.call("GET", path, headers={"Origin": APP}, **parameters)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, APP)
        assert answer.headers["Vary"] == "Origin"
        assert "Session-Id" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
    other = api.call("GET", "/sessions", headers={"Origin": "https://other.example.com"})
    assert ("Access-Control-Allow-Origin" in other.headers, other.headers["Vary"]) == (False, "Origin")


def test_nothing_is_shared_unless_somebody_says_so(api: HttpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORS_ORIGINS")
    api.handlers["sessions"] = load_handler("sessions")
    assert not {"Access-Control-Allow-Origin", "Vary"} & set(
        api.call("GET", "/sessions", headers={"Origin": APP}).headers
    )


def test_a_server_of_ones_own_answers_preflights(api: HttpApi) -> None:
    if api.edge == "api_gateway":
        pytest.skip("API Gateway answers them itself")
    allowed = api.call("OPTIONS", "/sessions", headers={"Origin": APP, **PREFLIGHT})
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (204, APP)
    other = api.call("OPTIONS", "/sessions", headers={"Origin": "https://other.example.com", **PREFLIGHT})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_the_local_gateway_answers_preflights_and_shares_its_own_errors(gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.url, headers={"Origin": APP}) as page:
        allowed = page.options("/process", headers=PREFLIGHT)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, APP)
        assert {"Authorization", "Idempotency-Key"} <= set(allowed.headers["access-control-allow-headers"].split(", "))
        refused = page.get("/no-such-route")
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, APP)
        assert page.get("/health").headers["access-control-allow-origin"] == APP
        page.headers["Origin"] = "https://other.example.com"
        assert "access-control-allow-origin" not in page.options("/process", headers=PREFLIGHT).headers
        assert page.get("/health").status_code == 403


@pytest.mark.parametrize("origins", ["*", "https://a.example.com/", "a.example.com", "https://*.example.com"])
def test_what_is_no_origin_stops_the_process(origins: str) -> None:
    with pytest.raises(ConfigurationError, match="CORS_ORIGINS must be origins"):
        Settings.from_environment({"SESSION_BACKEND_URL": "postgresql://d", "CORS_ORIGINS": origins})
