"""What a model writes is not to be trusted: it stays text, loads nothing and runs nothing."""

import json

import pytest
from playwright.sync_api import Locator, expect

from local.gateway.event import Owner
from session_store.records import NewMemory
from session_store.session_patch import SessionPatch
from tests.e2e.console.conftest import Open
from tests.e2e.console.console import Console
from tests.e2e.console.hostile import HOSTILE
from tests.e2e.console.stored import open_store, store_messages

pytestmark = pytest.mark.chromium

FORBIDDEN = "img,script,svg,iframe,style,form,input,math,object,embed,base,meta,link,b"
UNFORMATTED = ("deep list", "deep quotation", "long emphasis")
LEADS_NOWHERE = ("scheme with an invisible character", "scheme alone", "empty link")
# Where a browser would act on its own, or a link would lead anywhere but to a web page or a mail.
UNSAFE = r"""thread => [...thread.querySelectorAll('.prose, .prose *')].flatMap(node => [...node.attributes]
    .filter(({name, value}) => /^on|^style$|^src/.test(name) ||
        (name === 'href' && !/^(https?:\/\/.|mailto:)/.test(value)))
    .map(({name, value}) => `${name}=${value}`))"""


def assert_harmless(console: Console, loaded: list[str]) -> None:
    thread = console.page.locator("#thread")
    expect(thread.locator(f".prose :is({FORBIDDEN})")).to_have_count(0)
    assert thread.evaluate(UNSAFE) == []
    assert console.page.evaluate("window.ran") is None
    assert {url.split("/")[2] for url in loaded} == {console.address.split("/")[2]}


def assert_shown(answer: Locator, name: str) -> None:
    if name in UNFORMATTED:
        expect(answer).to_have_text(HOSTILE[name])
    if name in LEADS_NOWHERE:
        expect(answer.locator("a")).to_have_count(2)
        expect(answer.locator("a[href]")).to_have_count(0)


def test_hostile_answers_stay_text_while_they_come_and_when_they_are_stored(console: Console) -> None:
    loaded: list[str] = []
    console.page.on("request", lambda request: loaded.append(request.url))
    for name in HOSTILE:
        console.ask(name)
        assert_harmless(console, loaded)
        assert_shown(console.answers.last, name)
    console.page.reload()
    expect(console.answers.last).to_be_visible()
    console.page.get_by_role("region", name="Conversation").press("Home")
    expect(console.answers).to_have_count(len(HOSTILE))
    assert_harmless(console, loaded)
    for number, name in enumerate(HOSTILE):
        assert_shown(console.answers.nth(number), name)
    shown = console.page.locator("#thread").inner_text()
    for visible in ("<img src=x onerror=", "<script>window.ran=1</script>", "<iframe src=", "<b onmouseover="):
        assert visible in shown
    for link in console.answers.locator("a[href]").all():
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        link.hover()
    assert console.page.evaluate("window.ran") is None
    expect(console.problem).to_have_count(0)


def test_hostile_prompts_tools_and_names_stay_text(console: Console) -> None:
    image = "<img/src=x/onerror=window.ran=1>"
    console.ask(f'{image}\ntool: remember_note {{"note": "{image}"}}\ntool: {image} {{}}\nthen\nsay: kept')
    console.button("Details").click()
    expect(console.page.get_by_label("Agent’s state")).to_contain_text("<img/src=x")
    expect(console.said).to_contain_text("<img/src=x")
    expect(console.sessions).to_contain_text("<img/src=x")
    expect(console.page.locator("img:not(.brand img)")).to_have_count(0)
    assert console.page.evaluate("window.ran") is None


def test_hostile_titles_tags_files_passages_and_memories_stay_text(
    open_console: Open, address: str, owner: Owner, console_database_url: str
) -> None:
    image, caller = "<img src=x onerror=window.ran=1>", f"iam:{owner.user}"
    attached = {"name": image, "format": f"{image}", "source": {"bytes": b"x"}}
    words = f"heron {image} <svg onload=window.ran=1> javascript:window.ran=1 <form id=prompt><a id=settings>"
    messages = [
        {"role": "user", "content": [{"text": words}, {"document": attached}]},
        {"role": "assistant", "content": [{"text": f"```{image}\n<b>\n```\n\n<p class=problem id=thread>"}]},
    ]
    with open_store(console_database_url) as store:
        store_messages(store, caller, "hostile", messages)
        store.sessions.patch(caller, "hostile", SessionPatch(image, json.dumps({image: image})))
        store.memories.add(caller, "memories", "simple", [NewMemory("1", image, "{}", None, None)])
    console = open_console(f"{address}#/hostile")
    page = console.page
    expect(page.get_by_role("heading", name=image)).to_be_visible()
    expect(console.sessions).to_contain_text(f"{image}: {image}")
    expect(page.locator(".attachment")).to_contain_text(image)
    expect(page.locator(".code figcaption span")).to_have_text("")
    page.get_by_label("Search sessions").fill("heron")
    expect(page.locator("#found-messages .passage")).to_contain_text("javascript:window.ran=1")
    console.button("Details").click()
    expect(page.locator(".memory")).to_contain_text(image)
    console.menu("Name and tags…")
    expect(page.get_by_label("Title")).to_have_value(image)
    console.button("Cancel").click()
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("dialog")).to_contain_text(image)
    console.button("Forget it").click()
    expect(page.locator(".memory")).to_have_count(0)
    expect(page.locator("img:not(.brand img), svg, [onerror], [onload]")).to_have_count(0)
    assert page.locator("#thread").evaluate("thread => thread.querySelectorAll('[id], [name], .problem').length") == 0
    assert page.evaluate("window.ran") is None


def test_the_policy_alone_stops_what_the_page_would_let_through(console: Console) -> None:
    """The last wall, tried without the others: the page's own script is made to do what it never does."""
    console.page.evaluate(
        """() => {
            const refusals = window.refusals = [];
            addEventListener("securitypolicyviolation", event => refusals.push(event.effectiveDirective));
            try { document.body.innerHTML = "<p>"; } catch { refusals.push("innerHTML"); }
            for (const [name, attribute] of [["script", "src"], ["img", "src"], ["iframe", "src"]]) {
                const element = document.createElement(name);
                try { element[attribute] = "https://evil.example/"; document.body.append(element); }
                catch { refusals.push(name); }
            }
            fetch("https://evil.example/").catch(() => {});
        }"""
    )
    for refusal in ("innerHTML", "script", "img-src", "frame-src", "connect-src"):
        console.page.wait_for_function("refusal => window.refusals.includes(refusal)", arg=refusal)
    console.errors.clear()  # Chromium reports each refusal
