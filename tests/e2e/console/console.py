"""The page in words: what a person does with it, and where things are."""

import re

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

TIMEOUT_MILLISECONDS = 45_000  # a busy machine starts the processes behind the first answer slowly
READY = re.compile("^(Send|Answer|Sign in)$")  # what a person can do first, once the page's script listens
expect.set_options(timeout=TIMEOUT_MILLISECONDS)


class Console:
    """Opens it. `errors` holds what went wrong in the page, breaches of its security policy included."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        page.set_default_timeout(TIMEOUT_MILLISECONDS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.goto(address)
        expect(page.get_by_role("button", name=READY, disabled=False)).to_be_visible()

    @property
    def said(self) -> Locator:
        """What the person said, a bubble each."""
        return self.page.locator(".message.user .said")

    @property
    def answers(self) -> Locator:
        return self.page.locator(".message.assistant .prose")

    @property
    def sessions(self) -> Locator:
        return self.page.locator("#session-list a")

    @property
    def problem(self) -> Locator:
        return self.page.locator(".problem")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def say(self, text: str) -> None:
        self.page.get_by_label("Message").fill(text)
        self.button("Send").click()

    def ask(self, text: str) -> None:
        """Says it, and waits until the answer is stored."""
        before = self.said.count()
        self.say(text)
        expect(self.said).to_have_count(before + 1)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        expect(self.button("Send")).to_be_visible()

    def menu(self, item: str) -> None:
        self.button("Session actions").click()
        self.button(item).click()

    def _note(self, message: ConsoleMessage) -> None:
        # Chromium reports every answer above 399, which tests bring about; the page shows them.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)
