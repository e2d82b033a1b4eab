"""The documents hold together: their links lead somewhere, and the commands they name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "functions", "layers/app", "layers/response_streaming", "local", "tests")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md") if "node_modules" not in page.parts),
    ],
    key=lambda page: page.relative_to(ROOT).parts,
)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", prose, re.M)}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    broken = [
        f"{path}#{anchor}"
        for path, anchor in LINK.findall(page.read_text())
        if not (target := page.parent / path if path else page).exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_in_the_text_exists(page: Path) -> None:
    named = re.findall(r"(?:`|\$ )(?:FULL=1 )?make ([a-z-]+)", page.read_text())
    assert [target for target in named if target not in TARGETS] == []


def test_every_make_target_is_phony_and_described() -> None:
    phony = set(re.findall(r"[a-z-]+", MAKEFILE.partition(".PHONY:")[2].partition("\n\n")[0]))
    described = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.M))
    assert TARGETS == phony == described
