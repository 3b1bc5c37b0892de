"""Sets up `.venv` from the lock file, once (`make setup`). Needs the standard library only, and any Python 3 parses it.

Failures that the user can fix (wrong Python, no network, full disk, no venv module) are reported in one line on
standard error; the output of the installer is in `.venv-setup.log`.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, "effspine-setup.sha256")
LOG = os.path.join(ROOT, ".venv-setup.log")
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_BYTES = 5 * 2**30

# Messages of the installer, and the explanation for the user.
KNOWN_FAILURES = (
    (("No space left on device", "Errno 28"), "the disk is full; the environment needs about 5 GB"),
    (
        ("Temporary failure in name resolution", "NewConnectionError", "ConnectTimeout", "Name or service not known",
         "Failed to establish a new connection", "Connection refused", "Network is unreachable", "Max retries exceeded",
         "Could not find a version that satisfies"),
        "the package index cannot be reached (no network?)",
    ),
    (("DO NOT MATCH THE HASHES",), "a downloaded package does not match the lock file's hash"),
    (("requires a different Python",), "a locked package does not support this Python"),
)  # fmt: skip


def main():
    check_python()
    wanted = fingerprint()
    if is_current(wanted):
        return
    check_disk()
    report("setting up .venv with Python %d.%d from requirements.lock (a few minutes, once) ..." % sys.version_info[:2])
    with open(LOG, "w") as log:
        step([sys.executable, "-m", "venv", "--clear", VENV], log, "creating .venv")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
        step(pip + ["--require-hashes", "--no-deps", "-r", LOCK], log, "installing the locked packages")
        step(pip + ["--no-deps", "--no-build-isolation", "-e", ROOT], log, "installing effspine")
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    os.remove(LOG)
    report("the environment is ready")


def check_python():
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        fail(
            "this is Python %d.%d; effspine needs %d.%d to %d.%d (name another one with `make PYTHON=python3.12 ...`)"
            % (version + OLDEST + NEWEST)
        )


def check_disk():
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        fail("the disk has %.1f GB free; the environment needs about 5 GB" % (free / 2**30))


def fingerprint():
    """A digest of what the environment depends on: lock file, project metadata, Python and path."""
    digest = hashlib.sha256(("%s %s" % (sys.version, ROOT)).encode())
    for name in (LOCK, os.path.join(ROOT, "pyproject.toml")):
        with open(name, "rb") as content:
            digest.update(content.read())
    return digest.hexdigest()


def is_current(wanted):
    try:
        with open(STAMP) as stamp:
            return stamp.read() == wanted
    except OSError:
        return False


def step(command, log, what):
    report(what + " ...")
    log.flush()
    try:
        failed = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT)
    except KeyboardInterrupt:
        fail("interrupted; run it again to continue", 130)
    if failed:
        log.flush()
        with open(LOG, errors="replace") as file:
            output = file.read()
        fail("%s failed: %s; the installer's output is in %s" % (what, reason(output), os.path.basename(LOG)))


def reason(output):
    if "ensurepip is not" in output or "No module named venv" in output:
        return "this Python has no venv module (on Debian: apt-get install python3-venv)"
    for messages, explanation in KNOWN_FAILURES:
        if any(message in output for message in messages):
            return explanation
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no output"


def report(message):
    sys.stderr.write("effspine: %s\n" % message)


def fail(message, status=1):
    sys.stderr.write("effspine: error: %s\n" % message)
    sys.exit(status)


if __name__ == "__main__":
    main()
