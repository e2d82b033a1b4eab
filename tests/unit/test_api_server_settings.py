import pytest

from api.server.settings import ServerSettings
from session_store.errors import ConfigurationError

URL = {"SESSION_BACKEND_URL": "postgresql://app@db/sessions"}
TOKEN = {"JWT_ISSUER": "https://issuer.example", "JWT_AUDIENCE": "agents"}


def test_a_server_listens_on_loopback_and_has_one_owner_by_default() -> None:
    settings = ServerSettings.from_environment(URL)
    assert (settings.host, settings.port, settings.metrics_port) == ("127.0.0.1", 8000, None)
    assert (settings.caller_header, settings.token) == (None, None)


def test_a_turn_may_take_longer_than_behind_a_gateway() -> None:
    settings = ServerSettings.from_environment(URL | {"RUN_TIMEOUT_SECONDS": "600"})
    assert settings.application.run_timeout_seconds == 600


@pytest.mark.parametrize("callers", [{"CALLER_HEADER": "X-User"}, TOKEN])
def test_other_addresses_are_served_to_callers_that_are_known(callers: dict[str, str]) -> None:
    assert ServerSettings.from_environment(URL | callers | {"HOST": "0.0.0.0"}).host == "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "example.com"])  # noqa: S104
def test_no_other_address_is_open_without_knowing_callers(host: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HOST={host} can be reached by others"):
        ServerSettings.from_environment(URL | {"HOST": host})


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"METRICS_PORT": "70000"}, "METRICS_PORT"),
        ({"MAX_CONCURRENT_REQUESTS": "0"}, "MAX_CONCURRENT_REQUESTS"),
        ({"JWT_ISSUER": "https://issuer.example"}, "JWT_AUDIENCE"),
        ({"JWT_AUDIENCE": "agents"}, "JWT_ISSUER"),
        (TOKEN | {"JWT_ISSUER": "http://issuer.example"}, "JWT_ISSUER must begin with https://"),
        (TOKEN | {"JWT_JWKS_URL": "file:///etc/passwd"}, "JWT_JWKS_URL must begin with https://"),
        (TOKEN | {"CALLER_HEADER": "X-User"}, "exclude each other"),
        ({"CALER_HEADER": "X-User"}, "CALER_HEADER is no variable of this service: CALLER_HEADER is"),
        ({"JWT_AUDIENCES": "agents"}, "JWT_AUDIENCES is no variable of this service: JWT_AUDIENCE is"),
        ({"SESSION_BACKEND_URI": "x"}, "SESSION_BACKEND_URI is no variable of this service: SESSION_BACKEND_URL is"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name(variables: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ServerSettings.from_environment(URL | variables)


def test_variables_of_others_are_nobodys_mistake() -> None:
    others = {"HOSTNAME": "pod", "DATABASE_URL": "x", "AWS_DEFAULT_REGION": "x", "SESSION_BACKEND_PORT": "8001"}
    ServerSettings.from_environment(URL | others)
