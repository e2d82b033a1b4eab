import pytest

from session_store.errors import ConfigurationError
from session_store.settings import DEFAULT_URL, StoreSettings


def test_the_environment_is_read_once_and_whole() -> None:
    settings = StoreSettings.from_environment(
        {
            "SESSION_BACKEND_URL": "postgresql://db/sessions",
            "DATABASE_IAM_AUTH": "true",
            "DATABASE_CA_FILE": "/ca.pem",
            "AWS_REGION": "eu-central-1",
            "DATABASE_CONNECT_TIMEOUT_SECONDS": "3",
            "DATABASE_IDLE_SECONDS": "60.5",
        }
    )
    assert settings == StoreSettings(
        url="postgresql://db/sessions",
        iam_auth=True,
        ca_file="/ca.pem",
        region="eu-central-1",
        connect_timeout_seconds=3,
        idle_seconds=60.5,
    )
    assert settings.is_postgresql


def test_an_empty_environment_names_the_local_session_backend() -> None:
    assert StoreSettings.from_environment({}) == StoreSettings(url=DEFAULT_URL)
    assert not StoreSettings().is_postgresql


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_BACKEND_URL", "mysql://db"),
        ("SESSION_BACKEND_URL", "db:5432"),
        ("SESSION_BACKEND_URL", "postgresql://[::1/sessions"),
        ("DATABASE_IAM_AUTH", "yes"),
        ("DATABASE_CONNECT_TIMEOUT_SECONDS", "soon"),
        ("DATABASE_CONNECT_TIMEOUT_SECONDS", "0"),
        ("DATABASE_IDLE_SECONDS", "nan"),
        ("DATABASE_IDLE_SECONDS", "1e9"),
    ],
)
def test_an_impossible_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        StoreSettings.from_environment({name: value})


def test_the_tables_may_have_a_schema_of_their_own() -> None:
    assert StoreSettings.from_environment({"DATABASE_SCHEMA": "agents"}).schema == "agents"
    assert StoreSettings.from_environment({"DATABASE_SCHEMA": ""}).schema is None


@pytest.mark.parametrize("schema", ["", "é" * 32, "a\0b"])
def test_a_name_that_postgresql_would_cut_or_refuse_is_no_schema(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_SCHEMA must be a name of at most 63 bytes"):
        StoreSettings(schema=schema)
