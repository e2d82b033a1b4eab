"""What 10,000 sessions at once need of AWS, from what was measured here: each row says its formula."""

from typing import Any

SESSIONS = 10_000
SECONDS_BETWEEN_TURNS = 60
MODEL_SECONDS = 3
ACU_PER_CORE = 4  # an ACU is about 2 GiB of memory and its share of CPU: Aurora's 2-core instances have 16 GiB
SMALLEST_ACU = 0.5  # beneath a proxy, which keeps Aurora from pausing
# us-east-1
ACU_USD_PER_HOUR = 0.12
PROXY_USD_PER_ACU_HOUR, PROXY_SMALLEST_ACU = 0.015, 8
LAMBDA_USD_PER_SECOND, LAMBDA_USD_PER_REQUEST = 0.0000133334, 0.0000002  # 1 GB, arm64
API_USD_PER_REQUEST = 0.0000035


def table(measured: list[dict[str, Any]]) -> str:
    alone = next((one for one in measured if one["measure"] == "throughput" and one.get("workers") == 1), None)
    if alone is None or not alone["p50_ms"]:
        return ""
    cpu_ms, p50_ms = alone["database_cpu_ms_per_turn"], alone["p50_ms"]
    turns = SESSIONS / SECONDS_BETWEEN_TURNS
    seconds = MODEL_SECONDS + p50_ms / 1000
    cores = turns * cpu_ms / 1000
    acu = max(SMALLEST_ACU, cores * ACU_PER_CORE)
    proxy_acu = max(PROXY_SMALLEST_ACU, acu)
    database_usd = (acu * ACU_USD_PER_HOUR + proxy_acu * PROXY_USD_PER_ACU_HOUR) / 3600 * 1000 / turns
    lambda_usd = 1000 * (seconds * LAMBDA_USD_PER_SECOND + LAMBDA_USD_PER_REQUEST)
    rows = [
        ("turns a second", f"{turns:.0f}", f"{SESSIONS:,} sessions / a turn every {SECONDS_BETWEEN_TURNS} s"),
        ("Lambda concurrency", f"{turns * seconds:.0f}", f"turns × ({MODEL_SECONDS} s of model + {p50_ms:.1f} ms)"),
        ("client connections at the proxy", f"{turns * seconds:.0f}", "one for each concurrent Lambda"),
        (
            "connections of the database in use",
            f"{max(1, turns * p50_ms / 1000):.0f}",
            f"turns × {p50_ms:.1f} ms, at least 1",
        ),
        ("cores of PostgreSQL", f"{cores:.2f}", f"turns × {cpu_ms:.2f} ms of CPU"),
        ("Aurora ACU", f"{acu:.1f}", f"cores × {ACU_PER_CORE}, at least {SMALLEST_ACU}"),
        (
            "1,000 turns: Lambda",
            f"{lambda_usd:.4f} $",
            f"({seconds:.3f} s × {LAMBDA_USD_PER_SECOND:.7f} $ + {LAMBDA_USD_PER_REQUEST:.7f} $) × 1,000",
        ),
        ("1,000 turns: API Gateway", f"{1000 * API_USD_PER_REQUEST:.4f} $", f"{API_USD_PER_REQUEST:.7f} $ × 1,000"),
        (
            "1,000 turns: Aurora and proxy",
            f"{database_usd:.4f} $",
            f"({acu:.1f} ACU × {ACU_USD_PER_HOUR} $ + the proxy's {proxy_acu:.0f} × {PROXY_USD_PER_ACU_HOUR} $)"
            " / turns an hour",
        ),
    ]
    header = f"| on paper: {SESSIONS:,} sessions, plain turns, model not counted | | formula |\n|---|---:|---|"
    return "\n".join([header, *(f"| {name} | {value} | {formula} |" for name, value, formula in rows)])
