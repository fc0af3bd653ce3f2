#!/usr/bin/env python3
"""Runs everything that is known of this package, and ends with a line `N passed, M failed`.

Two environments are made once and kept in `.tools`: one with the newest of everything, where the
package is tested from its source, and a clean one with the older major versions, where its wheel is
installed and tested. Each is named after the hash of its lock file, so that a changed lock makes a
new one.

`--fast` leaves out what needs the whole stack. `--environment LOCK` only makes the environment of a
lock file, and prints its Python.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
TOOLS = REPO / ".tools"

# With these the wheel is tested: what differs between the versions of web3.py and of Python's own
# parts.
WHEEL_TESTS = ("tests/test_client.py", "tests/test_signer.py", "tests/test_session.py")


class Tests:
    """One run of pytest, which goes on while others do."""

    def __init__(
        self, name: str, python: Path, arguments: list[str], environment: dict[str, str]
    ) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp())
        self._report = self._folder / "report.xml"
        self._output = (self._folder / "output").open("w+")
        command = [str(python), "-m", "pytest", "-q", "--durations=5", f"--junitxml={self._report}"]
        self._process = subprocess.Popen(
            [*command, *arguments],
            cwd=HERE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def end(self) -> tuple[int, int]:
        """Waits, shows the output, and answers how many have passed and failed.

        One that was skipped has not passed. A run that ends badly without a failed test, or without
        any test, has failed all the same.
        """
        status = self._process.wait()
        self._output.seek(0)
        print(f"── {self.name}\n{self._output.read()}", flush=True)
        self._output.close()
        found = ET.parse(self._report).getroot().iter("testsuite") if self._report.exists() else []
        good = bad = 0
        for suite in found:
            not_passed = sum(int(suite.get(k, "0")) for k in ("failures", "errors", "skipped"))
            good += int(suite.get("tests", "0")) - not_passed
            bad += not_passed
        shutil.rmtree(self._folder)
        return good, bad or int(status != 0 or good == 0)


class Counts:
    """How many checks and tests have passed and failed."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, name: str, check: Callable[[], object]) -> None:
        """Counts one check, which fails by a program that does not end well."""
        print(f"── {name}", flush=True)
        try:
            check()
        except subprocess.CalledProcessError as error:
            print(f"FAILED: {name}: exit status {error.returncode}", flush=True)
            self.failed += 1
        else:
            self.passed += 1

    def tests(self, tests: Tests) -> None:
        """Counts the tests of a run, when it has ended."""
        good, bad = tests.end()
        self.passed += good
        self.failed += bad


def environment_for(lock: Path) -> Path:
    """The Python of the environment that a lock file describes."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:12]
    folder = TOOLS / f"python-{digest}"
    python = folder / "bin/python"
    finished = folder / "finished"
    if finished.exists():
        return python
    print(f"making the environment of {lock.name} (once)", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", folder])
    pip = [python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", lock])
    finished.touch()
    return python


def run(command: Sequence[object], environment: dict[str, str] | None = None) -> None:
    """Runs a program; `CalledProcessError` where it does not end well."""
    words = [str(word) for word in command]
    subprocess.run(words, cwd=HERE, env=environment, check=True, stdin=subprocess.DEVNULL)


@contextmanager
def wheel_in(python: Path, builder: Path) -> Iterator[None]:
    """The package's wheel, built and installed in an environment for a while."""
    pip = [python, "-m", "pip", "--no-input", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        run([builder, "-m", "hatchling", "build", "-t", "wheel", "-d", folder])
        (wheel,) = Path(folder).glob("*.whl")
        run([*pip, "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", wheel])
    try:
        yield
    finally:
        run([*pip, "uninstall", "--quiet", "--yes", "uraiden"])


def main() -> int:
    """Runs all; answers the exit status."""
    if sys.argv[1:2] == ["--environment"]:
        print(environment_for(HERE / sys.argv[2]))
        return 0
    fast = "--fast" in sys.argv[1:]
    newest = environment_for(HERE / "requirements-test.txt")
    oldest = environment_for(HERE / "requirements-oldest.txt")
    plain = {key: value for key, value in os.environ.items() if not key.startswith("URAIDEN_")}
    plain |= {
        key: os.environ[key]
        for key in ("URAIDEN_STACK_COMMAND", "URAIDEN_ANVIL")
        if key in os.environ
    }
    # Children of tests import the package from where their parent did.
    from_source = {**plain, "PYTHONPATH": os.pathsep.join((str(HERE / "src"), str(HERE)))}
    from_wheel = {**plain, "PYTHONPATH": str(HERE), "PYTHONSAFEPATH": "1"}
    sources = ["src", "tests", "run_tests.py"]

    counts = Counts()
    # Those of the stack mostly wait for blocks, so the others run meanwhile.
    apart = "tests/test_stack.py"
    stack = None if fast else Tests("tests, with the stack", newest, [apart], from_source)
    source = Tests("tests, from source", newest, [f"--ignore={apart}"], from_source)
    counts.check("format", lambda: run([newest, "-m", "ruff", "format", "--check", *sources]))
    counts.check("lint", lambda: run([newest, "-m", "ruff", "check", *sources]))
    counts.check("types", lambda: run([newest, "-m", "mypy", "--strict"], from_source))
    counts.tests(source)

    def try_wheel() -> None:
        with wheel_in(oldest, newest):
            run([oldest, "-m", "pip", "check"])
            run([oldest, "-m", "uraiden", "--help"], from_wheel)
            run([oldest.with_name("uraiden-pay"), "--version"], from_wheel)
            # web3.py 7 itself uses what its libraries have deprecated.
            arguments = ["-o", "testpaths=tests", "-W", "ignore::DeprecationWarning", *WHEEL_TESTS]
            counts.tests(Tests("tests, from the wheel", oldest, arguments, from_wheel))

    counts.check("wheel", try_wheel)
    if stack is not None:
        counts.tests(stack)
    print(f"{counts.passed} passed, {counts.failed} failed", flush=True)
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
