"""Builds the wheel of this folder's package, as PEP 517 and PEP 660 have it.

A wheel of pure Python is a zip file with three files of metadata. Making it
here, and not by setuptools, lets pip install this folder without a network: pip
fetches a backend that it has to install.
"""

import base64
import hashlib
import io
import os
import re
import tarfile
import zipfile

PACKAGE = "hotcell"
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file: equal sources give equal wheels


def project():
    """The text fields of pyproject.toml's [project] table. Python 3.9 has no TOML reader; ours has one string a line."""
    with open("pyproject.toml", encoding="utf-8") as f:
        table = f.read().partition("\n[project]\n")[2].partition("\n[")[0]
    return dict(re.findall(r'(?m)^([a-z-]+) = "([^"\\]*)"$', table))


def sources():
    """The package's files, by their paths in the wheel."""
    for folder, below, files in os.walk(PACKAGE):
        below[:] = sorted(d for d in below if d != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py") or name == "py.typed":
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    yield path.replace(os.sep, "/"), f.read()


def metadata(p):
    return "".join(
        f"{name}: {value}\n"
        for name, value in (
            ("Metadata-Version", "2.1"), ("Name", p["name"]), ("Version", p["version"]), ("Summary", p["description"]),
            ("Requires-Python", p["requires-python"]),
        )
    )


def wheel(folder, files):
    p = project()
    info = f"{p['name']}-{p['version']}.dist-info"
    files = [
        *files,
        (f"{info}/METADATA", metadata(p).encode()),
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: hotcell_build\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ]
    record = "".join(f"{path},{digest(data)},{len(data)}\n" for path, data in files) + f"{info}/RECORD,,\n"
    name = f"{p['name']}-{p['version']}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as z:
        for path, data in [*files, (f"{info}/RECORD", record.encode())]:
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            z.writestr(entry, data)
    return name


def digest(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


# The hooks.


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return wheel(wheel_directory, sources())


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return wheel(wheel_directory, [(f"{PACKAGE}.pth", (os.getcwd() + "\n").encode())])


def build_sdist(sdist_directory, config_settings=None):
    p = project()
    base = f"{p['name']}-{p['version']}"
    files = [*sources(), ("PKG-INFO", metadata(p).encode())]
    for path in ("pyproject.toml", "README.md", "backend/hotcell_build.py"):
        with open(path, "rb") as f:
            files.append((path, f.read()))
    with tarfile.open(os.path.join(sdist_directory, base + ".tar.gz"), "w:gz", format=tarfile.PAX_FORMAT) as t:
        for path, data in files:
            entry = tarfile.TarInfo(f"{base}/{path}")
            entry.size, entry.mode = len(data), 0o644
            t.addfile(entry, io.BytesIO(data))
    return base + ".tar.gz"
