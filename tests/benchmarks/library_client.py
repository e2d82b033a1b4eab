"""Asks an endpoint again and again while turns of the same process wait for a locked table; see `library`."""

import asyncio
import json
import sys
import time

import httpx
import psycopg

TURNS = 50
LOCK_SECONDS = 6.0
PAUSE_SECONDS = 0.005


async def measure(url: str, database_url: str) -> dict[str, list[float]]:
    """Seconds of each request: while the table is locked, and while all turns, let go at once, are at work."""
    limits = httpx.Limits(max_connections=TURNS + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        turns = [client.post(f"/turns/{number}") for number in range(TURNS)]
        warm = await asyncio.gather(*turns)
        assert {answer.status_code for answer in warm} == {200}
        with psycopg.connect(database_url) as connection:
            connection.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            waiting = asyncio.gather(*(client.post(f"/turns/{number}") for number in range(TURNS)))
            locked = await ask_for(client, LOCK_SECONDS)
            assert not waiting.done()
            connection.rollback()
        released = await ask_until(client, waiting)
        assert {answer.status_code for answer in await waiting} == {200}
    return {"locked": locked, "released": released}


async def ask_for(client: httpx.AsyncClient, seconds: float) -> list[float]:
    end, taken = time.monotonic() + seconds, list[float]()
    while time.monotonic() < end:
        taken.append(await ask(client))
    return taken


async def ask_until(client: httpx.AsyncClient, waiting: "asyncio.Future[list[httpx.Response]]") -> list[float]:
    taken: list[float] = []
    while not waiting.done():
        taken.append(await ask(client))
    return taken


async def ask(client: httpx.AsyncClient) -> float:
    started = time.perf_counter()
    (await client.get("/unrelated")).raise_for_status()
    taken = time.perf_counter() - started
    await asyncio.sleep(PAUSE_SECONDS)
    return taken


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*sys.argv[1:]))))
