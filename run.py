"""Set up this folder and do one job in it.

    python run.py JOB [arguments]

    report   the sample campaign's report, in reports/report.html
    test     the tests; `python run.py test -k walk` for some of them
    lab      JupyterLab on notebooks/; `lab --french` for its menus in French, as where the system speaks it
    docs     the documentation as a site, in site/
    bench    speed, beside the peers that are installed
    lint     what the formatter and the linter would change
    format   change it
    types    the type checker
    strip    take the outputs out of the notebooks
    install  the environment alone
    clean    remove the environment, the reports and the caches

The first job makes .venv, installs exactly what requirements.lock names (every file checked against its hash) and then
the package itself from this folder; later jobs find that done. It needs Python 3.11 or later and nothing else, on
Linux, macOS and Windows. VENV=FOLDER puts the environment elsewhere. `make JOB` does the same.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
REPORT = ROOT / "reports" / "report.html"
SETTINGS, CONFIG = ROOT / ".jupyter", "JUPYTER_CONFIG_PATH"
NOTEBOOKS = sorted(map(str, ROOT.glob("notebooks/*.ipynb")))

# A job is the commands it runs in the environment; the arguments typed after its name go to the last of them.
JOBS = {
    "report": [["funnel", "report", "data/sample", "-o", "reports/report.html", "--timezone", "America/Toronto"]],
    "test": [["python", "-m", "pytest"]],
    "lab": [["jupyter", "lab", "notebooks"]],
    "docs": [["mkdocs", "build", "--strict"]],
    "bench": [["python", "-m", "benchmarks.experiment"], ["python", "-m", "benchmarks.funnel"]],
    "lint": [["ruff", "format", "--check", "."], ["ruff", "check", "."]],
    "format": [["ruff", "check", "--fix", "."], ["ruff", "format", "."]],
    "types": [["mypy"]],
    "strip": [["jupyter", "nbconvert", "--clear-output", "--inplace", *NOTEBOOKS]],
    "install": [],
}


def main() -> None:
    """Read which job it is, bring the environment to what the lock says, and run the job's commands in it."""
    job, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if job == "clean":
        clean()
        return
    if job not in JOBS:
        print(__doc__)
        raise SystemExit(0 if job in ("help", "-h", "--help") else 2)
    use_new_python()
    environment = Path(os.environ.get("VENV") or ROOT / ".venv").absolute()
    install(environment)
    REPORT.parent.mkdir(exist_ok=True)
    if job == "lab":
        arguments = settle(arguments)
    for number, command in enumerate(JOBS[job], start=1):
        run([program(environment, command[0]), *command[1:], *(arguments if number == len(JOBS[job]) else [])])
    if job == "report" and not arguments:
        print(f"\nThe report is {REPORT}\nOpen it: {REPORT.as_uri()}")


def use_new_python() -> None:
    """Go on with the newest Python on the path when this one is too old, or say so and stop."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(19, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        # A version manager leaves commands on the path that do not run, so it is tried first.
        if newer and subprocess.call([newer, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
            raise SystemExit(subprocess.call([newer, *sys.argv]))
    raise SystemExit(
        f"This package needs Python 3.11 or later; this is Python {platform.python_version()} and no newer one is on "
        "the path. Install one and run this again."
    )


def install(environment: Path) -> None:
    """Bring the environment to what the lock says; when the last job left it so, there is nothing to do."""
    stamp = environment / "installed"
    place = fingerprint([str(environment).encode(), str(ROOT).encode(), sys.version.encode()])
    content = fingerprint([(ROOT / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")])
    before = stamp.read_text(encoding="utf-8").split() if stamp.is_file() else []
    fits = before[:1] == [place] and Path(program(environment, "python")).exists()
    if fits and before == [place, content]:
        return
    print(
        f"Preparing {environment} with Python {platform.python_version()}; this takes a minute or two, once.",
        flush=True,
    )
    stamp.unlink(missing_ok=True)
    if not fits:
        create(environment)
    pip = [program(environment, "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    # Wheels only: building anything would fetch build tools that no hash covers.
    run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", "requirements.lock"])
    # The package's own build tools came with the lock, so this step fetches nothing.
    run([*pip, "--no-index", "--no-deps", "--no-build-isolation", "--editable", "."])
    stamp.write_text(f"{place}\n{content}\n", encoding="utf-8")


def create(environment: Path) -> None:
    """Make an empty environment, or say what the system lacks for it."""
    # Not from an active environment, which may be the very one that is made anew.
    base = getattr(sys, "_base_executable", sys.executable)
    if subprocess.call([base, "-m", "venv", "--clear", str(environment)]):
        raise SystemExit(
            f"{base} could not make an environment in {environment}: its own words are above. "
            "On Debian and Ubuntu the module it needs is a package of its own: apt install python3-venv"
        )


def settle(arguments: list[str]) -> list[str]:
    """Have JupyterLab find the settings of this folder; return what is left of the arguments typed for it.

    They are defaults, which one's own settings override: no news, no look for newer versions, no list of extensions to
    install, so that nothing is asked of any host; and in French when asked, or when the system speaks it. (French of
    France: there is no other.)
    """
    spoken = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    is_french = "--french" in arguments or spoken.startswith("fr")
    folders = [str(SETTINGS / "french")] * is_french + [str(SETTINGS), *filter(None, [os.environ.get(CONFIG)])]
    os.environ[CONFIG] = os.pathsep.join(folders)
    return [each for each in arguments if each != "--french"]


def run(command: list[str]) -> None:
    """Run a command in this folder; when it fails, stop with its exit code."""
    # What belongs to another Python, or sends packages elsewhere, must not leak in.
    foreign = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")
    variables = {name: value for name, value in os.environ.items() if name not in foreign}
    code = subprocess.call(command, cwd=ROOT, env=variables)
    if code:
        raise SystemExit(code)


def program(environment: Path, name: str) -> str:
    """Return where an environment keeps a program."""
    return str(environment / "Scripts" / f"{name}.exe" if os.name == "nt" else environment / "bin" / name)


def fingerprint(parts: list[bytes]) -> str:
    """Return one hash of several texts."""
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def clean() -> None:
    """Remove what the other jobs made."""
    for made in [ROOT / "reports", ROOT / "site", *ROOT.glob(".venv*"), *ROOT.glob(".*_cache"), ROOT / ".hypothesis"]:
        shutil.rmtree(made, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
