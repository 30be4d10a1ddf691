"""Writes docs/licences.md: every package and network that an installation gets, with its licence.

python -m tests.docs.licences > docs/licences.md     (what `make licences` does)

Packages are those of requirements.lock; licences are what each package says of itself. Libraries that a wheel carries
inside are found by their files, so that a new one cannot slip in unseen.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LIBRARY = re.compile(r"(?:lib)?([A-Za-z0-9_]+?)(?:-r\d+)?(?:64_)?(?:-[0-9a-f]{6,}|[-.]\d|\.(?:so|dylib|dll))")

INSIDE: Mapping[str, str] = {
    "aom": "BSD-2-Clause",
    "avcodec": "LGPL-2.1 (FFmpeg)",
    "avformat": "LGPL-2.1 (FFmpeg)",
    "avif": "BSD-2-Clause",
    "avutil": "LGPL-2.1 (FFmpeg)",
    "brotlicommon": "MIT",
    "brotlidec": "MIT",
    "com_err": "MIT (Kerberos)",
    "crypt": "LGPL-2.1",
    "crypto": "OpenSSL; from version 3 Apache-2.0",
    "dav1d": "BSD-2-Clause",
    "de265": "LGPL-3.0 (decodes only)",
    "drm": "MIT",
    "freetype": "FTL",
    "gfortran": "GPL-3.0 with the GCC runtime exception",
    "gssapi_krb5": "MIT (Kerberos)",
    "harfbuzz": "MIT",
    "heif": "LGPL-3.0",
    "jpeg": "IJG",
    "k5crypto": "MIT (Kerberos)",
    "keyutils": "LGPL-2.1",
    "krb5": "MIT (Kerberos)",
    "krb5support": "MIT (Kerberos)",
    "lber": "OpenLDAP",
    "lcms2": "MIT",
    "ldap": "OpenLDAP",
    "lzma": "0BSD",
    "openblasp": "BSD-3-Clause",
    "openjp2": "BSD-2-Clause",
    "png16": "libpng",
    "pcre": "BSD-3-Clause",
    "pq": "PostgreSQL",
    "quadmath": "LGPL-2.1",
    "sasl2": "BSD-3-Clause (Cyrus)",
    "scipy_openblas": "BSD-3-Clause",
    "selinux": "public domain",
    "sharpyuv": "BSD-3-Clause",
    "ssl": "OpenSSL; from version 3 Apache-2.0",
    "swresample": "LGPL-2.1 (FFmpeg)",
    "swscale": "LGPL-2.1 (FFmpeg)",
    "tiff": "libtiff",
    "vpx": "BSD-3-Clause",
    "webp": "BSD-3-Clause",
    "webpdemux": "BSD-3-Clause",
    "webpmux": "BSD-3-Clause",
    "Xau": "MIT",
    "xcb": "MIT",
    "zstd": "BSD-3-Clause",
}
"""Libraries inside wheels, by the name of the file without `lib` and version, with the licence of each project."""


def shipped() -> Iterator[tuple[str, str]]:
    """Name and version of every package in requirements.lock."""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        name, pinned, version = line.partition("==")
        if pinned and not name.startswith("#"):
            yield name.strip(), version.partition(";")[0].strip()


def licence_of(package: Distribution) -> str:
    """The SPDX expression where the package has one; else its classifier, else its own words. Empty: it says none."""
    said = package.metadata.json
    if expression := said.get("license_expression"):
        return str(expression)
    classifiers = [c.rpartition(" :: ")[2] for c in said.get("classifier", ()) if c.startswith("License ::")]
    words = str(said.get("license", "")).partition("\n")[0].strip()
    if classifiers:
        return "; ".join(classifiers)
    return "" if words.upper() == "UNKNOWN" else words


def inside(package: Distribution) -> tuple[str, ...]:
    """The libraries that its wheel carries, by name."""
    found = set()
    for file in package.files or ():
        if file.parts[0].endswith(".libs") or ".dylibs" in file.parts:
            name = _LIBRARY.match(file.name)
            found.add(name[1] if name else file.name)
    return tuple(sorted(found, key=str.lower))


def page() -> str:
    lines = [
        "# Licences of what is shipped",
        "",
        "Likeness itself: MIT (`LICENSE`). `make setup` installs these packages, unmodified, by name and version; none",
        "of them is part of this repository. Written by `make licences` from what each package says of itself.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
    ]
    carried: dict[str, list[str]] = {}
    for name, version in sorted(shipped(), key=lambda each: each[0].lower()):
        package = distribution(name)
        lines.append(f"| {name} | {version} | {licence_of(package)} |")
        for library in inside(package):
            carried.setdefault(library, []).append(name)
    lines += [
        "",
        "## Libraries inside those packages (Linux, x86-64)",
        "",
        "| library | in | licence |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {library} | {', '.join(packages)} | {INSIDE.get(library, '')} |"
        for library, packages in sorted(carried.items(), key=lambda each: each[0].lower())
    ]
    lines += [
        "",
        "## Networks",
        "",
        "Taken out of registry packages by `likeness models fetch`, by name, version and hash.",
        "",
        "| network | what it does | licence | origin |",
        "| --- | --- | --- | --- |",
    ]
    networks = tomllib.loads((ROOT / "providers" / "people" / "models.toml").read_text())
    lines += [f"| {key} | {n['purpose']} | {n['licence']} | {n['origin']} |" for key, n in networks.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
