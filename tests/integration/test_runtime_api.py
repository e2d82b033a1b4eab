"""The local Runtime API and those it must not serve: pages in a browser, other programs on this machine."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from local.gateway.invocation import Invocation
from local.gateway.limits import Limits
from local.gateway.runtime_api import RuntimeApi
from local.gateway.table import Function

CALLS = "2018-06-01/runtime"
NEXT, INIT_ERROR = f"{CALLS}/invocation/next", f"{CALLS}/init/error"
PAGE = {"Origin": "http://evil.example"}


@asynccontextmanager
async def runtime_api(invocation: Invocation) -> AsyncGenerator[RuntimeApi]:
    api = RuntimeApi(Function("f", 10, 128, streaming=False), Limits())
    await api.listen()
    api.give(invocation)
    try:
        yield api
    finally:
        await api.close()


async def ask(address: str, method: str, call: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient(timeout=5) as client:
        return await client.request(method, f"http://{address}/{call}", headers=headers)


def without_secret(api: RuntimeApi) -> str:
    return api.address.partition("/")[0]


@pytest.mark.parametrize(("method", "call"), [("GET", NEXT), ("POST", INIT_ERROR)])
@pytest.mark.parametrize("secret", ["", "/", "/wrong", "/" + "x" * 43])
def test_without_the_secret_nothing_is_given_and_nothing_changes(method: str, call: str, secret: str) -> None:
    async def try_it() -> None:
        async with runtime_api(invocation := Invocation(b"the prompt")) as api:
            refused = await ask(without_secret(api) + secret, method, call)

            assert (refused.status_code, refused.content) == (403, b"")
            assert not invocation.handed_out.is_set()
            assert not invocation.finished.is_set()
            assert (await ask(api.address, "GET", NEXT)).content == b"the prompt"

    asyncio.run(try_it())


@pytest.mark.parametrize(("method", "call"), [("GET", NEXT), ("POST", INIT_ERROR)])
def test_page_in_a_browser_is_refused_even_with_the_secret(method: str, call: str) -> None:
    async def try_it() -> None:
        async with runtime_api(invocation := Invocation(b"the prompt")) as api:
            assert (await ask(api.address, method, call, PAGE)).status_code == 403
            assert not invocation.handed_out.is_set()
            assert not invocation.finished.is_set()

    asyncio.run(try_it())


def test_another_process_cannot_answer_or_fail_an_invocation_whose_id_it_knows() -> None:
    async def try_it() -> None:
        async with runtime_api(invocation := Invocation(b"the prompt")) as api:
            await ask(api.address, "GET", NEXT)
            for result in ("response", "error"):
                call = f"{CALLS}/invocation/{invocation.request_id}/{result}"
                assert (await ask(without_secret(api), "POST", call)).status_code == 403

            assert not invocation.finished.is_set()

    asyncio.run(try_it())


def test_each_process_has_a_secret_of_its_own() -> None:
    async def secret() -> str:
        async with runtime_api(Invocation(b"")) as api:
            return api.address.partition("/")[2]

    first, second = asyncio.run(secret()), asyncio.run(secret())

    assert first != second
    assert min(len(first), len(second)) >= 43  # 32 bytes
