"""The measurements as tables a person can read."""

from statistics import median, quantiles
from typing import Any

from tests.benchmarks import paper

Measurement = dict[str, Any]


def of(results: dict[str, Any]) -> str:
    measured: list[Measurement] = results["measured"]
    machine = results["machine"]
    head = f"{machine['date']}, {machine['cores']} cores, Python {machine['python']}, PostgreSQL on loopback"
    peers = [one for one in measured if "contestant" in one]
    turns = [turn_table(peers, history) for history in results["sizes"]["histories"]]
    restores = [restore_table(peers, results["sizes"]["restores"], window=window) for window in (False, True)]
    alone = [throughput_table(measured), cold_start_table(measured), *map(sentence, measured), paper.table(measured)]
    printed = [one["printed"].strip() for one in measured if "printed" in one]
    return "\n\n".join(part for part in [head, *turns, *restores, *_failures(measured), *alone, *printed] if part)


def turn_table(measured: list[Measurement], history: int) -> str:
    header = (
        f"| a turn on {history} messages | round trips plain / tools | statements | KB plain, sent + received"
        " | ms plain p50 / p99 | tools p50 / p99 | at 2 ms a round trip: plain p50 / p99 | tools p50 / p99 |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|"
    )
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
        f" | {_both(pick('loopback', 0))} | {_both(pick('loopback', 2))}"
        f" | {_both(pick('delayed', 0))} | {_both(pick('delayed', 2))} |"
    )


def restore_table(measured: list[Measurement], histories: list[int], *, window: bool) -> str:
    what = "restore under a window of 40, ms" if window else "restore all, ms"
    header = f"| {what} | {' | '.join(map(str, histories))} |\n|---|{'---:|' * len(histories)}"
    rows = [
        f"| {name} | {' | '.join(_p50(_restore(measured, name, history, window)) for history in histories)} |"
        for name in _contestants(measured)
    ]
    return "\n".join([header, *rows])


def throughput_table(measured: list[Measurement]) -> str:
    rows = [
        f"| {one['workers']}{' on one session' if one['same_session'] else ''} | {one['turns_per_second']:.0f}"
        f" | {one['p50_ms'] or 0:.1f} | {one['busy']} | {one['database_cpu_ms_per_turn']:.2f} |"
        for one in measured
        if one["measure"] == "throughput" and "error" not in one
    ]
    header = (
        "| workers | turns a second | p50 ms | busy answers | CPU ms of PostgreSQL a turn |\n|---:|---:|---:|---:|---:|"
    )
    return "\n".join([header, *rows])


def cold_start_table(measured: list[Measurement]) -> str:
    rows = [one for one in measured if one["measure"] == "cold start" and "error" not in one]
    strands = next((one["cpu_ms"] for one in rows if not one["imports_ms"]), None)
    header = "| cold start | first answer ms | CPU ms of imports | over Strands alone | of it, ms |"
    header += "\n|---|---:|---:|---:|---|"
    return "\n".join([header, *(_cold_start_row(one, strands) for one in rows)]) if strands else ""


def _cold_start_row(one: Measurement, strands: float) -> str:
    answer = f"{one['first_answer_ms']:.0f}" if one["first_answer_ms"] else ""
    imports = ", ".join(f"{name} {ms:.0f}" for name, ms in one["imports_ms"].items())
    return f"| {one['function']} | {answer} | {one['cpu_ms']:.0f} | {one['cpu_ms'] / strands:.2f} | {imports} |"


def sentence(one: Measurement) -> str:
    if "error" in one:
        return ""
    if one["measure"] == "lists":
        return (
            f"Of {one['sessions']:,} sessions the first page takes {one['first_page_ms']:.2f} ms,"
            f" page {one['page']:,} {one['that_page_ms']:.2f} ms."
        )
    if one["measure"] == "layer":
        return f"The dependencies' layer, {one['how']}: {one['megabytes']:.0f} MB."
    if one["measure"] == "streaming":
        return (
            f"The first event comes after {one['first_event_ms']:.1f} ms; the first word"
            f" {one['first_word_ms']:.1f} ms later than the model has it when streamed,"
            f" {one['buffered_ms']:.1f} ms when buffered (median of"
            f" {one['requests']}, {one['round_trips']:.1f} round trips to the database each)."
        )
    return ""


def _restore(measured: list[Measurement], name: str, history: int, window: bool) -> Measurement | None:
    wanted = {"contestant": name, "measure": "restore", "history": history, "window": window}
    return next((one for one in measured if wanted.items() <= one.items() and "seconds" in one), None)


def _contestants(measured: list[Measurement]) -> list[str]:
    return list(dict.fromkeys(one["contestant"] for one in measured))


def _failures(measured: list[Measurement]) -> list[str]:
    failed = [f"- {one.get('contestant', one['measure'])}: {one['error']}" for one in measured if "error" in one]
    return ["Failed, cut or left out:\n" + "\n".join(failed)] if failed else []


def _both(one: Measurement | None) -> str:
    return f"{_p50(one)} / {_p99(one)}" if one else "failed"


def _p50(one: Measurement | None) -> str:
    return f"{median(one['seconds']) * 1000:.1f}" if one else "failed"


def _p99(one: Measurement | None) -> str:
    return f"{quantiles(one['seconds'], n=100, method='inclusive')[98] * 1000:.1f}" if one else "failed"
