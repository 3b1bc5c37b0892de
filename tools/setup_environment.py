"""Sets up `.venv` from the lock file, once (`make setup`). Needs the standard library only, and any Python 3 parses it.

With names as arguments it sets up `.venv-NAME` from `requirements-NAME.txt`, where exports are tested (`make
setup-exports`, `make setup-model-garden`). Failures that the user can fix (wrong Python, no network, full disk, no venv
module) are reported in one line on standard error; the output of the installer is in `.venv-setup.log`, or
`.venv-NAME-setup.log`.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST, NEWEST = (3, 11), (3, 13)
NEEDED_GB = {".venv": 5, ".venv-exports": 5, ".venv-model-garden": 5}

# Messages of the installer, and the explanation for the user.
KNOWN_FAILURES = (
    (("No space left on device", "Errno 28"), "the disk is full; the environments need up to 5 GB each"),
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
    names = sys.argv[1:]
    if not names:
        set_up(".venv", "requirements.lock", ["pyproject.toml"], install_effspine)
    for name in names:
        requirements = "requirements-%s.txt" % name
        if not os.path.exists(os.path.join(ROOT, requirements)):
            fail("there is no %s to set up .venv-%s from" % (requirements, name))
        set_up(".venv-" + name, requirements, [], install_exports)


def set_up(name, requirements, others, install):
    """Makes the environment `name`, unless it is there and what it depends on is as before."""
    venv = os.path.join(ROOT, name)
    stamp = os.path.join(venv, "effspine-setup.sha256")
    wanted = fingerprint([requirements] + others)
    if is_current(stamp, wanted):
        return
    check_disk(NEEDED_GB[name])
    version = "%d.%d" % sys.version_info[:2]
    report("setting up %s with Python %s from %s (a few minutes, once) ..." % (name, version, requirements))
    python = os.path.join(venv, "bin", "python")
    with open(os.path.join(ROOT, name + "-setup.log"), "w") as log:
        step([sys.executable, "-m", "venv", "--clear", venv], log, "creating " + name)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off"]
        install(pip, os.path.join(ROOT, requirements), log)
    with open(stamp, "w") as file:
        file.write(wanted)
    os.remove(log.name)
    report("the environment %s is ready" % name)


def install_effspine(pip, lock, log):
    step(pip + ["--require-hashes", "--no-deps", "-r", lock], log, "installing the locked packages")
    step(pip + ["--no-deps", "--no-build-isolation", "-e", ROOT], log, "installing effspine")


def install_exports(pip, requirements, log):
    step(pip + ["-r", requirements], log, "installing the packages that exports are tested with")


def check_python():
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        fail(
            "this is Python %d.%d; effspine needs %d.%d to %d.%d (name another one with `make PYTHON=python3.12 ...`)"
            % (version + OLDEST + NEWEST)
        )


def check_disk(needed_gb):
    free = shutil.disk_usage(ROOT).free
    if free < needed_gb * 2**30:
        fail("the disk has %.1f GB free; the environment needs about %d GB" % (free / 2**30, needed_gb))


def fingerprint(names):
    """A digest of what an environment depends on: these files, Python and path."""
    digest = hashlib.sha256(("%s %s" % (sys.version, ROOT)).encode())
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as content:
            digest.update(content.read())
    return digest.hexdigest()


def is_current(stamp, wanted):
    try:
        with open(stamp) as file:
            return file.read() == wanted
    except OSError:
        return False


def step(command, log, what):
    report(what + " ...")
    log.flush()
    try:
        failed = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT)
    except KeyboardInterrupt:
        fail("interrupted; the next run sets the environment up from the start", 130)
    if failed:
        log.flush()
        with open(log.name, errors="replace") as file:
            output = file.read()
        fail("%s failed: %s; the installer's output is in %s" % (what, reason(output), os.path.basename(log.name)))


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
