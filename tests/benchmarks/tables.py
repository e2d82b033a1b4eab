"""The measurements as tables a person can read."""

from statistics import median, quantiles
from typing import Any

Measurement = dict[str, Any]

SESSIONS = 10_000
SECONDS_BETWEEN_TURNS = 60
MODEL_SECONDS = 3
ACU_PER_CORE = 4  # an ACU is about 2 GiB of memory and its share of CPU: Aurora's 2-core instances have 16 GiB
ACU_USD_PER_HOUR = 0.12  # us-east-1
LAMBDA_USD_PER_SECOND = 0.0000133334  # 1 GB, arm64


def of(results: dict[str, Any]) -> str:
    measured: list[Measurement] = results["measured"]
    machine = results["machine"]
    head = f"{machine['date']}, {machine['cores']} cores, Python {machine['python']}, PostgreSQL on loopback"
    peers = [one for one in measured if "contestant" in one]
    turns = [turn_table(peers, history) for history in results["sizes"]["histories"]]
    restores = restore_table(peers, results["sizes"]["restores"])
    alone = [throughput_table(measured), *map(sentence, measured), on_paper(measured)]
    return "\n\n".join(part for part in [head, *turns, restores, *_failures(peers), *alone] if part)


def turn_table(measured: list[Measurement], history: int) -> str:
    rows = [
        "| round trips plain / tools | statements | KB sent + received"
        " | ms plain p50 / p99 | ms tools | at 2 ms a round trip: plain | tools |",
    ]
    header = f"| a turn on {history} messages {rows[0]}\n|---|---:|---:|---:|---:|---:|---:|---:|"
    return "\n".join([header, *(_turn_row(measured, name, history) for name in _contestants(measured))])


def _turn_row(measured: list[Measurement], name: str, history: int) -> str:
    def pick(where: str, tools: int) -> Measurement | None:
        wanted = {"contestant": name, "measure": "turn", "history": history, "where": where, "tools": tools}
        return next((one for one in measured if wanted.items() <= one.items()), None)

    wire, wire_tools = pick("wire", 0), pick("wire", 2)
    if not wire or not wire_tools:
        return f"| {name} | failed | | | | | | |"
    counts, tool_counts = wire["counts"], wire_tools["counts"]
    kilobytes = (counts["bytes_sent"] + counts["bytes_received"]) / 1000
    return (
        f"| {name} | {counts['round_trips']:.0f} / {tool_counts['round_trips']:.0f}"
        f" | {counts['statements']:.0f} / {tool_counts['statements']:.0f} | {kilobytes:.0f}"
        f" | {_p50(pick('loopback', 0))} / {_p99(pick('loopback', 0))} | {_p50(pick('loopback', 2))}"
        f" | {_p50(pick('delayed', 0))} | {_p50(pick('delayed', 2))} |"
    )


def restore_table(measured: list[Measurement], histories: list[int]) -> str:
    header = (
        f"| restore all, ms | {' | '.join(str(history) for history in histories)} |\n|---|{'---:|' * len(histories)}"
    )
    rows = [
        f"| {name} | {' | '.join(_p50(_restore(measured, name, history)) for history in histories)} |"
        for name in _contestants(measured)
    ]
    return "\n".join([header, *rows])


def throughput_table(measured: list[Measurement]) -> str:
    rows = [
        f"| {one['workers']}{' on one session' if one['same_session'] else ''} | {one['turns_per_second']:.0f}"
        f" | {one['p50_ms'] or 0:.1f} | {one['busy']} | {one['database_cpu_ms_per_turn']:.2f} |"
        for one in measured
        if one["measure"] == "throughput"
    ]
    header = (
        "| workers | turns a second | p50 ms | busy answers | CPU ms of PostgreSQL a turn |\n|---:|---:|---:|---:|---:|"
    )
    return "\n".join([header, *rows])


def sentence(one: Measurement) -> str:
    if one["measure"] == "lists":
        return (
            f"Of {one['sessions']:,} sessions the first page takes {one['first_page_ms']:.2f} ms,"
            f" page {one['page']:,} {one['that_page_ms']:.2f} ms."
        )
    if one["measure"] == "import":
        return f"{one['function']}: {one['cpu_ms']:.0f} ms of CPU."
    if one["measure"] == "cold start":
        imports = ", ".join(f"{name} {ms:.0f}" for name, ms in one["imports_ms"].items())
        return (
            f"Cold start of {one['function']}: first answer {one['first_answer_ms']:.0f} ms,"
            f" its imports {one['cpu_ms']:.0f} ms of CPU ({imports})."
        )
    if one["measure"] == "streaming":
        return (
            f"Of a model that answers at once: first event streamed after {one['first_event_ms']:.1f} ms, first word"
            f" after {one['first_word_ms']:.1f} ms, the whole answer buffered after {one['buffered_answer_ms']:.1f} ms"
            f" (median of {one['requests']}, {one['round_trips']} round trips)."
        )
    return ""


def on_paper(measured: list[Measurement]) -> str:
    """10,000 sessions at once, from what was measured here; the assumptions are in the words."""
    alone = next((one for one in measured if one["measure"] == "throughput" and one["workers"] == 1), None)
    if alone is None:
        return ""
    turns_per_second = SESSIONS / SECONDS_BETWEEN_TURNS
    cores = turns_per_second * alone["database_cpu_ms_per_turn"] / 1000
    in_flight = turns_per_second * MODEL_SECONDS
    return (
        f"On paper, {SESSIONS:,} sessions with a turn every {SECONDS_BETWEEN_TURNS} s and a model that takes"
        f" {MODEL_SECONDS} s: {turns_per_second:.0f} turns a second · Lambda concurrency {in_flight:.0f}"
        f" (turns a second × model seconds) · as many client connections at the proxy, of which"
        f" {max(1, turns_per_second * 2 * alone['p50_ms'] / 2000):.0f} are in use at once (turns × p50) · {cores:.2f}"
        f" cores of PostgreSQL, ≈ {max(0.5, cores * ACU_PER_CORE):.1f} ACU at 1 core = {ACU_PER_CORE} ACU"
        f" · 1,000 turns: Lambda {1000 * MODEL_SECONDS * LAMBDA_USD_PER_SECOND:.2f} $ + Aurora"
        f" {1000 * alone['database_cpu_ms_per_turn'] / 1000 / 3600 * ACU_PER_CORE * ACU_USD_PER_HOUR:.4f} $,"
        " model not counted."
    )


def _restore(measured: list[Measurement], name: str, history: int) -> Measurement | None:
    wanted = {"contestant": name, "measure": "restore", "history": history}
    return next((one for one in measured if wanted.items() <= one.items() and "seconds" in one), None)


def _contestants(measured: list[Measurement]) -> list[str]:
    return list(dict.fromkeys(one["contestant"] for one in measured))


def _failures(measured: list[Measurement]) -> list[str]:
    failed = [f"- {one['contestant']}: {one['error']}" for one in measured if "error" in one]
    return ["Failures:\n" + "\n".join(failed)] if failed else []


def _p50(one: Measurement | None) -> str:
    return f"{median(one['seconds']) * 1000:.1f}" if one else "failed"


def _p99(one: Measurement | None) -> str:
    return f"{quantiles(one['seconds'], n=100, method='inclusive')[98] * 1000:.1f}" if one else "failed"
