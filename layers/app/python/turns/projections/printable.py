"""Text as UTF-8 can have it."""


def printable(text: str) -> str:
    """Lone surrogates have no UTF-8, and stock clients' own models refuse them."""
    return text.encode(errors="replace").decode()
