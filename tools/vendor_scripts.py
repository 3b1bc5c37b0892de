"""Fetches the JavaScript libraries of the dashboard at their pinned versions, with npm, into `static/vendor`.

Users need neither npm nor a build: the files are committed. Run it after a change of VERSIONS:

    .venv/bin/python -m tools.vendor_scripts
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR_DIR = Path(__file__).parents[1] / "api/dashboard/static/vendor"
VERSIONS = {"preact": "10.29.8", "htm": "3.1.1"}
FILES = {
    "preact.js": ("preact", "package/dist/preact.module.js"),
    "hooks.js": ("preact", "package/hooks/dist/hooks.module.js"),
    "htm.js": ("htm", "package/dist/htm.module.js"),
}
IMPORTS = {'from"preact"': 'from"./preact.js"'}
"""Browsers need addresses where the packages import each other by name."""


def vendor_scripts() -> None:
    """Writes the files and their licences. Raises CalledProcessError if npm cannot fetch a package."""
    with tempfile.TemporaryDirectory() as directory:
        packages = {name: _package(name, version, directory) for name, version in VERSIONS.items()}
    for file_name, (package, member) in FILES.items():
        script = packages[package][member].split("//# sourceMappingURL")[0].rstrip() + "\n"
        for name, address in IMPORTS.items():
            script = script.replace(name, address)
        (VENDOR_DIR / file_name).write_text(script, encoding="utf-8")
    licences = [f"{name} {VERSIONS[name]}\n\n{packages[name]['package/LICENSE'].strip()}\n" for name in VERSIONS]
    (VENDOR_DIR / "LICENSES.txt").write_text("\n".join(licences), encoding="utf-8")


def _package(name: str, version: str, directory: str) -> dict[str, str]:
    """The text files of a package that are needed, by their paths in it."""
    command = ["npm", "pack", f"{name}@{version}", "--json", "--pack-destination", directory]
    packed = subprocess.run(command, check=True, capture_output=True, text=True)
    wanted = {member for package, member in FILES.values() if package == name} | {"package/LICENSE"}
    with tarfile.open(Path(directory) / json.loads(packed.stdout)[0]["filename"]) as archive:
        return {member: archive.extractfile(member).read().decode() for member in wanted}  # type: ignore[union-attr]


if __name__ == "__main__":
    vendor_scripts()
