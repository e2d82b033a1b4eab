"""Answers that try to run something, by name."""

HOSTILE = {
    "image": '<img src=x onerror="window.ran=1">',
    "script": "<script>window.ran=1</script>",
    "svg": '<svg onload="window.ran=1"><script>window.ran=1</script></svg>',
    "frame": '<iframe src="javascript:parent.ran=1" srcdoc="<script>parent.ran=1</script>"></iframe>',
    "style": "<style>body{display:none}</style>",
    "form": '<form action="https://evil.example"><input name=a autofocus onfocus="window.ran=1"></form>',
    "inline": 'see <b onmouseover="window.ran=1">this</b> and <a href="javascript:window.ran=1">that</a>',
    "math": '<math><mtext><mglyph><style><img src=x onerror="window.ran=1"></style></mglyph></mtext></math>',
    "broken": '<img src="x` `<script>window.ran=1</script>"` `>',
    "link": "[click](javascript:window.ran=1)",
    "encoded link": "[click](&#106;avascript&colon;window.ran=1)",
    "data link": "[click](data:text/html,<script>window.ran=1</script>)",
    "link title": '[click](https://a.example "x\\" onmouseover=\\"window.ran=1")',
    "markdown image": '![a" onerror="window.ran=1](https://evil.example/pixel.png)',
    "autolink": "<javascript:window.ran=1>",
    "deep list": "- " * 3000 + "[click](javascript:window.ran=1)",
    "deep quotation": ">" * 3000 + '<img src=x onerror="window.ran=1">',
    "long emphasis": "_a_" * 30_000 + '<img src=x onerror="window.ran=1">',
    "code": '```html"onmouseover="window.ran=1',
}
