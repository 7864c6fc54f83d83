"""Makes `.venv` from the lock. Standard library only: it runs before anything is installed."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed"
LOCK = ROOT / "requirements" / "lock.txt"
UV = ROOT / "requirements" / "uv.txt"
NEEDED_GB = 3.0


def main() -> int:
    """Installs if the lock changed since the last time; 1, after one clear sentence, if it cannot."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    problem = what_is_missing()
    if problem:
        return fail(problem)
    began = time.monotonic()
    STAMP.unlink(missing_ok=True)
    python = str(VENV / "bin" / "python")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", python, "--quiet"]
    steps = [
        ("making .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)]),
        ("installing uv", [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(UV)]),
        ("installing the locked libraries", [*uv, "--require-hashes", "--compile-bytecode", "-r", str(LOCK)]),
        ("installing loanwright", [*uv, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]),
    ]
    for what, command in steps:
        code, said = run_shown(what, command, environment)
        if code:
            print(said, file=sys.stderr)
            return fail(f"{what} failed (the reason stands above). It is safe to run this again")
    STAMP.write_text(wanted)
    print(f"installed in {time.monotonic() - began:.0f} s")
    return 0


def run_shown(what: str, command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Runs a command with its seconds counted on the terminal; its exit code and what it said."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            if sys.stdout.isatty():
                print(f"\r{what} … {time.monotonic() - began:.0f} s", end="", flush=True)
            time.sleep(0.5)
        print(f"{chr(13) if sys.stdout.isatty() else ''}{what}: {time.monotonic() - began:.0f} s", flush=True)
        out.seek(0)
        return process.returncode, out.read().strip()


def fingerprint() -> str:
    """A digest of all that decides what the environment holds."""
    digest = hashlib.sha256(sys.version.encode() + str(VENV).encode())
    for path in (LOCK, UV, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def what_is_missing() -> str | None:
    """Why this machine cannot make the environment; None if it can."""
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        return (
            f"{sys.executable} is Python {sys.version_info.major}.{sys.version_info.minor}, and Loanwright needs "
            "3.11 or 3.12. Install one, or name it: make run PYTHON=/path/to/python3.11"
        )
    for module in ("venv", "ensurepip"):
        check = [sys.executable, "-c", f"import {module}"]
        if subprocess.run(check, capture_output=True, check=False).returncode:
            return (
                f"{sys.executable} has no module {module}. Install it (Debian and Ubuntu: apt-get install "
                "python3-venv), or name another Python: make run PYTHON=/path/to/python3.11"
            )
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libgomp.so.1")
        except OSError:
            return "the system library libgomp.so.1, which LightGBM needs, is missing. Install it (Debian: libgomp1)"
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB:
        return f"{ROOT} has {free:.1f} GB free and the libraries need {NEEDED_GB:.0f} GB. Free some disk space"
    return None


def fail(words: str) -> int:
    """Says the one thing that is wrong."""
    print(f"Error: {words}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
