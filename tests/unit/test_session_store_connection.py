"""What a connection is opened with. No server is asked."""

from typing import Any

import pytest

from session_store.connection import _parameters
from session_store.errors import ConfigurationError
from session_store.settings import StoreSettings


def parameters(url: str, **settings: Any) -> dict[str, Any]:
    return _parameters(StoreSettings(url, **settings))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user@db.example/sessions",
        "postgresql:///sessions?host=db.example",
        "postgresql://user@localhost/sessions?host=db.example",
        "postgresql://user@localhost/sessions?hostaddr=10.0.0.1",
        "postgresql://user@localhost,db.example/sessions",
        "postgresql://user@10.0.0.1/sessions",
    ],
)
def test_another_machine_is_reached_by_verified_tls_however_the_url_names_it(url: str) -> None:
    assert parameters(url)["sslmode"] == "verify-full"
    assert parameters(url)["sslrootcert"] == "system"
    assert parameters(url, ca_file="/ca.pem")["sslrootcert"] == "/ca.pem"


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR"])
def test_another_machine_that_libpqs_own_variables_name_is_none_but_another(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "10.0.0.1")
    assert parameters("postgresql:///sessions")["sslmode"] == "verify-full"
    assert parameters("postgresql:///sessions?service=elsewhere")["sslmode"] == "verify-full"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "", "%2Fvar%2Frun"])
def test_this_machine_needs_no_tls(host: str) -> None:
    assert not {"sslmode", "sslrootcert"} & parameters(f"postgresql://{host}/sessions").keys()


def test_tls_that_the_url_asks_for_on_this_machine_has_authorities_too() -> None:
    asked = parameters("postgresql://localhost/sessions?sslmode=verify-full", ca_file="/a/ca.pem")
    assert (asked["sslmode"], asked["sslrootcert"]) == ("verify-full", "/a/ca.pem")


def test_a_weaker_mode_in_the_url_is_taken_without_authorities_that_libpq_refuses_for_it() -> None:
    weaker = parameters("postgresql://user@db/sessions?sslmode=disable")
    assert (weaker["sslmode"], "sslrootcert" in weaker) == ("disable", False)
    assert parameters("postgresql://user@db/sessions?sslmode=verify-full")["sslrootcert"] == "system"


def test_nothing_is_asked_for_that_pins_a_proxied_connection() -> None:
    assert "options" not in parameters("postgresql://user@db/sessions")


def test_dead_peers_are_noticed() -> None:
    named = parameters("postgresql://user@db/sessions", connect_timeout_seconds=3)
    assert named["connect_timeout"] == 3
    assert named["keepalives_idle"] + named["keepalives_interval"] * named["keepalives_count"] <= 60
    assert named["tcp_user_timeout"] <= 30_000


@pytest.mark.parametrize("url", ["postgresql://user:secret@db/x?no_such=1", "postgresql://user:secret@[::1/x"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parameters(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_iam_needs_a_user_in_the_url() -> None:
    with pytest.raises(ConfigurationError, match="a host and a user"):
        parameters("postgresql://db/sessions", iam_auth=True)


def test_a_token_is_signed_for_each_connection_and_a_password_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    signed = parameters("postgresql://app@db.example/sessions", iam_auth=True, region="eu-central-1")["password"]
    assert signed.startswith("db.example:5432/?Action=connect&DBUser=app&")
    assert parameters("postgresql://app:own@db.example/sessions", iam_auth=True)["password"] == "own"
