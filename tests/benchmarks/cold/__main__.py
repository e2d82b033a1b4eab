"""The first answer of each function as it is deployed: `make bench-cold` (four minutes; needs Linux and root).

Under the share of a core that its memory buys, with the proxy, TLS, token and tracing of the deployment, and with none
of them; beside `import strands` under the same share. Lambda gives a start a whole core: the second part does not. Then
the way to a first statement by phase, and the first request after a restore from a snapshot.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median

from tests.benchmarks.cold import phases, restored
from tests.benchmarks.cold.cpu_share import MEGABYTES_OF_A_CORE, CpuShare, cpu_share
from tests.benchmarks.cold.deployed import DEPLOYED, PLAIN, ROOT, find_variables, make_event
from tests.benchmarks.cold.runtime import FirstAnswer, Moment, time_first_answer
from tests.benchmarks.cold.secure_database import SecureDatabase, secure_database
from tests.reliability.pooler import PROGRAM

TIMES = 7
FUNCTIONS = {
    "sessions": (512, "GET", "/sessions", None),
    "process": (1024, "POST", "/process", {"prompt": "say: hi"}),
    "process_streaming": (1024, "POST", "/process-streaming", {"prompt": "say: hi"}),
}


def main() -> None:
    if obstacle := find_obstacle():
        print(f"left out: {obstacle}")
        return
    python = find_python()
    with tempfile.TemporaryDirectory() as compiled, secure_database() as database:
        for line in measure(python, database, compiled):
            print(line, flush=True)


def measure(python: str, database: SecureDatabase, compiled: str) -> Iterator[str]:
    for start_has_core in (True, False):
        yield f"- start with {'a whole core' if start_has_core else 'the share'}, {version_of(python)}"
        for line in compare(python, database, compiled, start_has_core=start_has_core):
            yield f"  - {line}"
    yield "- the way to a first statement"
    for line in phases.measure(python, database, compiled):
        yield f"  - {line}"
    yield ""
    yield from restored.measure(python, database, compiled)


def find_obstacle() -> str | None:
    """Why this machine cannot measure it."""
    if PROGRAM is None:
        return "pgbouncer is not installed"
    try:
        with cpu_share(MEGABYTES_OF_A_CORE):
            return None
    except OSError as error:
        return f"no control group can be made here: {error}"


def compare(python: str, database: SecureDatabase, compiled: str, *, start_has_core: bool) -> Iterator[str]:
    for function, (megabytes, *request) in FUNCTIONS.items():
        taken: dict[str, list[FirstAnswer]] = {PLAIN: [], DEPLOYED: []}
        imports: list[Moment] = []
        with cpu_share(megabytes) as share:
            for time_number in range(TIMES + 1):
                for how, each in taken.items():
                    variables = {"PYTHONPYCACHEPREFIX": compiled, **find_variables(how, database)}
                    answer = time_first_answer(
                        python,
                        function,
                        make_event(*request),
                        variables,
                        at_start=ignore if start_has_core else share.add,
                        before={"request": share.add},
                    )
                    if time_number:  # the first compiles
                        each.append(answer)
                imports.append(time_import(python, compiled, None if start_has_core else share))
        yield from describe(function, megabytes, taken)
        if function != "sessions":
            wall, cpu = (of(list(part)) for part in zip(*imports, strict=True))
            yield f"import strands: {wall}, CPU {cpu}"


def describe(function: str, megabytes: int, taken: dict[str, list[FirstAnswer]]) -> Iterator[str]:
    for how, answers in taken.items():
        whole = of([each.start.wall + each.request.wall for each in answers])
        parts = [each.start for each in answers], [each.request for each in answers]
        start, request = (of([part.wall for part in moments]) for moments in parts)
        start_cpu, request_cpu = (of([part.cpu for part in moments]) for moments in parts)
        yield (
            f"{function} ({megabytes} MB), {how}: first byte after {whole}: start {start} (CPU {start_cpu}),"
            f" request {request} (CPU {request_cpu})"
        )


def of(milliseconds: list[float]) -> str:
    return f"{median(milliseconds):.0f} ms"


def time_import(python: str, compiled: str, share: CpuShare | None) -> Moment:
    program = "import strands, time; print(time.process_time())"
    environment = {"PATH": os.defpath, "PYTHONPYCACHEPREFIX": compiled}
    started = time.perf_counter()
    process = subprocess.Popen([python, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
    if share:
        share.add(process.pid)
    said, _ = process.communicate()
    return Moment((time.perf_counter() - started) * 1000, float(said) * 1000)


def ignore(_: int) -> None: ...


def find_python() -> str:
    """Lambda's version with the locked libraries, where uv finds that version; else this one."""
    uv, folder = shutil.which("uv"), ROOT / ".local/bench-cold"
    if uv is None or subprocess.run([uv, "python", "find", "3.13"], capture_output=True, check=False).returncode:
        return sys.executable
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", "3.13", str(folder)], check=True)
    export = [uv, "export", "--quiet", "--frozen", "--no-default-groups", "--group", "app", "--no-emit-project"]
    locked = subprocess.run(export, cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run([uv, "pip", "sync", "--quiet", "--python", str(python), "-"], input=locked, check=True)
    return str(python)


def version_of(python: str) -> str:
    return subprocess.check_output([python, "--version"], text=True).strip()


if __name__ == "__main__":
    main()
