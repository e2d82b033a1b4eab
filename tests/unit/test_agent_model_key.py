"""A provider's key is read when it is needed, kept for a while, and read again after a rotation."""

from collections.abc import Iterator

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import clear_caches
from moto import mock_aws

from agent.model_key import refresh_model_key
from agent.models import configured_model
from session_store.errors import ConfigurationError

SECRET = {"MODEL_KEY_SECRET": "prod/openai", "MODEL_KEY_VARIABLE": "OPENAI_API_KEY"}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        **SECRET,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    clear_caches()
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="eu-west-1")
    clear_caches()


def test_no_secret_is_asked_for_where_none_is_named() -> None:
    assert refresh_model_key({}) is None


def test_a_rotated_key_arrives_when_the_old_one_has_aged(secrets: object) -> None:
    secrets.create_secret(Name="prod/openai", SecretString="first")
    assert refresh_model_key() == "first"
    secrets.put_secret_value(SecretId="prod/openai", SecretString="second")
    assert refresh_model_key() == "first"
    clear_caches()  # as time would
    assert refresh_model_key() == "second"


def test_a_key_at_hand_outlives_an_outage(secrets: object) -> None:
    secrets.create_secret(Name="prod/openai", SecretString="first")
    assert refresh_model_key() == "first"
    secrets.delete_secret(SecretId="prod/openai", ForceDeleteWithoutRecovery=True)
    clear_caches()
    assert refresh_model_key() == "first"


def test_a_first_key_that_cannot_be_read_is_a_fault_of_the_configuration(secrets: object) -> None:
    with pytest.raises(ConfigurationError, match="the secret prod/openai cannot be read"):
        refresh_model_key()


def test_the_model_is_built_anew_for_a_new_key(secrets: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PROVIDER", "openai")
    monkeypatch.setenv("MODEL_ID", "gpt-5")
    secrets.create_secret(Name="prod/openai", SecretString="first")
    first = configured_model()
    assert configured_model() is first
    secrets.put_secret_value(SecretId="prod/openai", SecretString="second")
    clear_caches()
    assert configured_model() is not first
