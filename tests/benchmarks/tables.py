"""The measurements as tables a person can read."""

from statistics import median, quantiles
from typing import Any

Measurement = dict[str, Any]


def of(results: dict[str, Any]) -> str:
    measured: list[Measurement] = results["measured"]
    machine = results["machine"]
    head = f"{machine['date']}, {machine['cores']} cores, Python {machine['python']}, PostgreSQL on loopback"
    turns = [turn_table(measured, history) for history in results["sizes"]["histories"]]
    return "\n\n".join([head, *turns, restore_table(measured, results["sizes"]["restores"]), *_failures(measured)])


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
