"""Each template is synthesized once a test run: it takes seconds."""

from collections.abc import Callable, Iterator

import pytest

from local.database import EmbeddedDatabase
from tests.infra.cluster import Cluster
from tests.infra.template import Template, synthesize

PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123"
Synthesize = Callable[..., Template]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    known: dict[tuple[tuple[str, str], ...], Template] = {}

    def template(**switches: str) -> Template:
        key = tuple(sorted(switches.items()))
        if key not in known:
            known[key] = synthesize(tmp_path_factory.mktemp("cdk"), **switches)
        return known[key]

    return template


@pytest.fixture(scope="session")
def standard(templates: Synthesize) -> Template:
    """With a proxy, as deployed without any switch."""
    return templates()


@pytest.fixture(scope="session")
def direct(templates: Synthesize) -> Template:
    """Without a proxy, cheap when idle."""
    return templates(proxy="false")


@pytest.fixture(scope="session")
def trial(templates: Synthesize) -> Template:
    """Cheap, and gone without a trace; with a model that no inference profile leads to."""
    return templates(proxy="false", ephemeral="true", model_id="amazon.nova-lite-v1:0")


@pytest.fixture(scope="session")
def other_provider(templates: Synthesize) -> Template:
    """A model on the internet, so with a way there."""
    return templates(model_provider="openai", model_id="gpt-5", model_key_secret="prod/openai", nat="true")


@pytest.fixture(scope="session")
def tuned(templates: Synthesize) -> Template:
    """The switches that change nothing but what they name."""
    return templates(
        authorization="cognito", session_ttl_days="30", requests_per_second="7", alarm_email="oncall@example.com"
    )


@pytest.fixture(scope="session")
def browsers(templates: Synthesize) -> Template:
    """What lets pages call: origins by CORS, and tokens of an issuer of one's own."""
    return templates(
        cors_origins="https://app.example.com,http://localhost:5173",
        authorization="jwt",
        jwt_issuer="https://issuer.example.com/",
        jwt_audience="agents",
        jwt_owner_claim="email",
    )


@pytest.fixture(scope="session")
def released(templates: Synthesize) -> Template:
    """Versions with a canary and snapshots, API keys, and a model behind an application inference profile."""
    return templates(
        canary="true",
        snap_start="true",
        api_keys="web,batch",
        key_requests_per_second="3",
        key_requests_per_day="1000",
        model_id=PROFILE,
        profile_source="global.anthropic.claude-sonnet-4-6",
    )


@pytest.fixture(scope="session", params=["standard", "direct"])
def either(request: pytest.FixtureRequest) -> Template:
    return request.getfixturevalue(request.param)


@pytest.fixture
def cluster(postgresql_server: EmbeddedDatabase) -> Iterator[Cluster]:
    made = Cluster(postgresql_server)
    yield made
    made.drop()
