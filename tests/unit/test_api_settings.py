import pytest

from api.settings import Settings
from session_store.errors import ConfigurationError

URL = {"SESSION_BACKEND_URL": "postgresql://app@db/sessions"}


def test_the_defaults_keep_sessions_and_limit_the_rest() -> None:
    settings = Settings.from_environment(URL)
    assert (settings.session_ttl_days, settings.run_ttl_hours) == (None, 24)
    assert (settings.page_size, settings.max_page_size) == (50, 100)
    assert not settings.sam_local
    assert not settings.tracing


def test_the_environment_decides() -> None:
    chosen = {"MAX_PAGE_SIZE": "10", "SESSION_TTL_DAYS": "30", "RUN_TIMEOUT_SECONDS": "5", "AWS_SAM_LOCAL": "true"}
    settings = Settings.from_environment(URL | chosen)
    assert (settings.page_size, settings.max_page_size) == (10, 10)
    assert (settings.session_ttl_days, settings.run_timeout_seconds, settings.sam_local) == (30, 5, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_BODY_BYTES", "many"),
        ("MAX_BODY_BYTES", "99999999999999999999"),
        ("MAX_PROMPT_CHARACTERS", "0"),
        ("MAX_JSON_DEPTH", "-1"),
        ("PAGE_SIZE", "1001"),
        ("RUN_TIMEOUT_SECONDS", "28"),
        ("STREAMING_RUN_TIMEOUT_SECONDS", "900"),
        ("SESSION_TTL_DAYS", "1.5"),
        ("RUN_TTL_HOURS", "0"),
        ("CALLER_BY", "role"),
        ("CONSOLE_CALLERS", "alice=8002 bob"),
        ("MODEL_PRICES", "cheap"),
        ("MODEL_PRICES", '["m"]'),
        ("MODEL_PRICES", '{"m": 3}'),
        ("MODEL_PRICES", '{"m": [3, -1]}'),
        ("MODEL_PRICES", '{"m": [3, NaN]}'),
        ("SHOW_SYSTEM_PROMPT", "perhaps"),
        ("AWS_SAM_LOCAL", "yes"),
        ("POWERTOOLS_TRACE_DISABLED", "off"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD"),
        ("SESSION_BACKEND_URL", "http://localhost:8001"),
        ("SESSION_BACKEND_URL", ""),
        ("DATABASE_IAM_AUTH", "maybe"),
    ],
)
def test_an_impossible_value_fails_with_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment(URL | {name: value})
