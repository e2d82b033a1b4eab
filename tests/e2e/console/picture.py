"""What is said in the picture of the README: prompts, and what the scripted model does with them."""

REMEMBER = "I’m Alice, and I’m allergic to nuts. Please remember that."
BILL = "We are seven for dinner at €23.50 each, plus a 12 % tip. What is the bill?"
OTHERS = ("Draft a toast for Priya’s farewell", "Which trains reach Lyon before noon?", "Summarise the April report")

PICTURE = {
    REMEMBER: 'tool: remember_note {"note": "Alice is allergic to nuts."}\n'
    "then\nsay: Nice to meet you, Alice. I’ve noted that you are **allergic to nuts**, and will know it next time too.",
    BILL: 'tool: calculator {"expression": "7 * 23.50 * 1.12"}\n'
    "then\nsay: The bill comes to **€184.24**: €164.50 for seven dinners and €19.74 for the tip. "
    "Remember to ask the kitchen about nuts before you order.",
    **dict.fromkeys(OTHERS, "say: Gladly."),
}

CODE = """\
A cache that forgets what was used least recently, in Python:

```python
from collections import OrderedDict

class Cache:
    def __init__(self, size: int = 128) -> None:
        self.size, self.kept = size, OrderedDict()

    def get(self, key: str) -> object | None:
        if key in self.kept:
            self.kept.move_to_end(key)  # used just now
        return self.kept.get(key)
```

- `get` is **constant** in time.
- Nothing locks it.

| size | hits |
|---:|---:|
| 128 | 71 % |
| 1024 | 94 % |
"""
