"""How owners share the places of a function."""

import asyncio
from collections.abc import Sequence

from local.gateway.shares import Shares


async def ask(shares: Shares, owners: Sequence[str], given: list[str]) -> list[asyncio.Task[None]]:
    async def ask_for(owner: str) -> None:
        await shares.acquire(owner)
        given.append(owner)

    tasks = [asyncio.create_task(ask_for(owner)) for owner in owners]
    await settle()
    return tasks


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_one_owner_alone_has_every_place_and_no_more() -> None:
    async def try_it() -> None:
        given: list[str] = []
        await ask(Shares(2), "aaa", given)
        assert given == ["a", "a"]

    asyncio.run(try_it())


def test_an_owner_who_holds_none_does_not_wait_for_those_who_hold_all() -> None:
    async def try_it() -> None:
        given: list[str] = []
        shares = Shares(2)
        await ask(shares, "aaaabb", given)
        assert given == ["a", "a", "b"]

    asyncio.run(try_it())


def test_places_beyond_the_size_are_limited_too() -> None:
    async def try_it() -> None:
        given: list[str] = []
        await ask(Shares(2), "abcdefg", given)
        assert given == ["a", "b", "c", "d"]

    asyncio.run(try_it())


def test_a_free_place_goes_to_the_owner_who_holds_the_fewest_then_to_the_first() -> None:
    async def try_it() -> None:
        given: list[str] = []
        shares = Shares(4)
        await ask(shares, "aaab" + "aabb", given)

        for owner in "aab":
            shares.release(owner)
            await settle()

        assert given[4:] == ["b", "a", "b"]

    asyncio.run(try_it())


def test_who_stops_waiting_leaves_the_place_to_the_next() -> None:
    async def try_it() -> None:
        given: list[str] = []
        shares = Shares(1)
        first, second, _ = await ask(shares, "aaa", given)
        await first
        second.cancel()
        shares.release("a")
        await settle()
        assert given == ["a", "a"]

    asyncio.run(try_it())


def test_who_stops_waiting_as_the_place_is_given_gives_it_back() -> None:
    async def try_it() -> None:
        given: list[str] = []
        shares = Shares(1)
        _, second, _ = await ask(shares, "aaa", given)
        shares.release("a")
        second.cancel()
        await settle()
        assert given == ["a", "a"]

    asyncio.run(try_it())
