"""Updates the console's vendored npm packages: `python -m local.vendor marked@18.2.1 dompurify@3.4.18`…"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from local.gateway.gateway import ROOT

FOLDER = ROOT / "layers/app/python/api/console/page/vendor"
VENDORED_FILES = {
    "marked": {"package/lib/marked.esm.js": "marked.js", "package/LICENSE": "marked.LICENSE"},
    "dompurify": {"package/dist/purify.es.mjs": "dompurify.js", "package/LICENSE": "dompurify.LICENSE"},
    "@highlightjs/cdn-assets": {"package/es/highlight.min.js": "highlight.js", "package/LICENSE": "highlight.LICENSE"},
}


def update(package: str) -> None:
    """`package` is `name@version`; prints the rows for vendor/README.md."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (packed,) = Path(folder).glob("*.tgz")
        with tarfile.open(packed) as archive:
            for member, name in VENDORED_FILES[package.rpartition("@")[0]].items():
                file = archive.extractfile(member)
                assert file is not None, member  # noqa: S101  these members are plain files
                content = file.read()
                (FOLDER / name).write_bytes(content)
                print(f"| `{name}` | `{hashlib.sha256(content).hexdigest()}` |")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        update(argument)
