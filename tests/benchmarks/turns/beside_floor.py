"""A turn's CPU and wall time beside the floor's, by the length of its session, plain and with two tools."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from local.database import EmbeddedDatabase
from tests.benchmarks.contest import DELAY_SECONDS, Proxy
from tests.benchmarks.turns.sides import (
    KINDS,
    ScriptedModel,
    Side,
    analyze,
    compare,
    create_databases,
    take_alternately,
)

HISTORIES = (0, 20, 200, 2000)
TOOLS = (0, 2)
TURNS = 60
THINKING_SECONDS = 0.02
WINDOW = 40
HEADER = (
    "| a turn on messages, floor / ours / ratio | Python's CPU ms | PostgreSQL's CPU ms | ms on loopback"
    f" | ms at {DELAY_SECONDS * 1000:.0f} ms a round trip |\n|---|---:|---:|---:|---:|"
)


def measure(server: EmbeddedDatabase) -> Iterator[str]:
    yield HEADER
    with ExitStack() as parts:
        urls = create_databases(server, "turns")
        far_urls = {kind: parts.enter_context(Proxy(url, DELAY_SECONDS))[0] for kind, url in urls.items()}
        near = [Side(kind, urls[kind], f"near-{kind}") for kind in KINDS]
        far = [Side(kind, far_urls[kind], f"far-{kind}") for kind in KINDS]
        for history in HISTORIES:
            for tools in TOOLS:
                yield measure_turns(urls, near, far, history, tools)
        with thinking_model():
            yield measure_turns(urls, near, far, 20, 2, f", a model that thinks for {THINKING_SECONDS * 1000:.0f} ms")


@contextmanager
def thinking_model() -> Generator[None]:
    """Results are written while it thinks; a model that answers at once leaves no time for it."""
    ScriptedModel.thinking_seconds = THINKING_SECONDS
    yield
    ScriptedModel.thinking_seconds = 0.0


def measure_turns(
    urls: dict[str, str], near: list[Side], far: list[Side], history: int, tools: int, how: str = ""
) -> str:
    works = [make_turns(near, f"{where} {history} {tools}{how}", history, tools) for where in ("near", "far")]
    analyze(urls)
    on_loopback, delayed = (take_alternately(*each) for each in zip((near, far), works, strict=True))
    cells = [compare(on_loopback, part) for part in ("python", "postgresql", "wall")]
    return f"| {history}, {tools or 'no'} tools{how} | {' | '.join(cells)} | {compare(delayed, 'wall')} |"


def make_turns(sides: list[Side], name: str, history: int, tools: int) -> list[Callable[[Side], None]]:
    """Each on a session of its own, as long as another turn would lengthen what is restored."""
    sessions = TURNS if history < WINDOW else 1
    for side in sides:
        for number in range(sessions):
            seed(side, f"{name} {number}", history)
    return [partial(hold_turn, session_id=f"{name} {number % sessions}", tools=tools) for number in range(TURNS)]


def seed(side: Side, session_id: str, history: int) -> None:
    if history:
        side.contestant.seed(session_id, history, window=True)
    if history > WINDOW:  # only a turn tells the store what the window no longer holds
        side.contestant.turn(session_id, 0)


def hold_turn(side: Side, session_id: str, tools: int) -> None:
    side.contestant.turn(session_id, tools)
