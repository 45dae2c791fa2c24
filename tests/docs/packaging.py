#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packaging and the guides say of this product what meson.build says: its version, what it needs, its paths.

usage: packaging.py SOURCE_DIRECTORY

What is in the packages is seen when they are built: tests/package.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[1]) / "docs/messages"))
sys.dont_write_bytecode = True      # this is somebody's working tree
import places   # noqa: E402
from sides import differences   # noqa: E402

# pkg-config's names of what is built with, and Debian's of what has them. libvirt's two are in one.
DEBIAN = {"json-c": "libjson-c-dev", "libvirt": "libvirt-dev", "libvirt-qemu": "libvirt-dev",
          "libxml-2.0": "libxml2-dev", "nettle": "nettle-dev", "smartcols": "libsmartcols-dev", "zlib": "zlib1g-dev",
          "threads": None, "cmocka": "libcmocka-dev"}
TESTS_ONLY = {"cmocka"}
# scripts/setup has these among what makes packages, and what a lab needs.
NO_BUILD = {"debhelper-compat", "python3"}


GENERATED = {"catalog_data.c", "profile_data.c"}


class Tree:
    def __init__(self, root):
        self.root = root

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def one(self, path, pattern):
        found = set(re.findall(pattern, self.text(path), re.MULTILINE))
        return found.pop() if len(found) == 1 else f"{path} has {sorted(found)}"

    def field(self, path, name):
        """The words of a field in Debian's way, without versions and conditions."""
        value = re.search(rf"^{name}: (.*?)(?=^\S|\Z)", self.text(path), re.MULTILINE | re.DOTALL).group(1)
        return {re.split(r"[\s:(<]", word.strip())[0] for word in value.split(",")}


def same(tree):
    """What has to be the same in several files."""
    version = tree.one("meson.build", r"^  version: '(.*)'")
    yield "the version", {
        "meson.build": version,
        "libvirt-qmp-guard.spec": tree.one("libvirt-qmp-guard.spec", r"^Version: (.*)"),
        "debian/changelog": re.search(r"\((.*?)\)", tree.text("debian/changelog")).group(1),
        "CHANGELOG.md": re.search(r"^## ([\d.]+)", tree.text("CHANGELOG.md"), re.MULTILINE).group(1),
    }
    yield "the oldest libvirt", {
        "meson.build": tree.one("meson.build", r"dependency\('libvirt', version: '>= (.*?)'"),
        "debian/control": tree.one("debian/control", r"libvirt-daemon \(>= (.*?)\)"),
        "libvirt-qmp-guard.spec": tree.one("libvirt-qmp-guard.spec", r"^Requires: libvirt-daemon >= (.*)"),
    }


def sets(tree):
    """What has to be the same set: a title, and both sides."""
    built = re.compile("build|[.]")     # what is not of the sources
    used = {name for path in tree.root.rglob("meson.build") if not built.match(path.relative_to(tree.root).parts[0])
            for name in re.findall(r"dependency\('([\w.-]+)'", path.read_text(encoding="utf-8"))}
    yield "dependencies that meson looks for, and those known to this test", used, set(DEBIAN)
    control = tree.field("debian/control", "Build-Depends")
    packages = {DEBIAN.get(name, name) for name in used} - {None}
    yield "libraries: meson's, and Build-Depends", packages, {name for name in control if name in DEBIAN.values()}
    spec = tree.text("libvirt-qmp-guard.spec")
    yield ("libraries: meson's, and BuildRequires", {name for name in used if DEBIAN.get(name)} - TESTS_ONLY,
           set(re.findall(r"^BuildRequires: pkgconfig\((.*?)\)", spec, re.MULTILINE)))
    build = set(re.search(r'^BUILD="(.*?)"', tree.text("scripts/setup"), re.MULTILINE | re.DOTALL).group(1).split())
    yield "Build-Depends, and what of them scripts/setup installs", control - NO_BUILD, (control & build) - NO_BUILD

    exported = set(re.findall(r"qmpguard_\w+(?=;)", tree.text("src/lib/exports.map")))
    symbols = tree.text("debian/libqmpguard0.symbols")
    yield ("functions: exports.map, and Debian's symbols", exported,
           set(re.findall(r"^ (qmpguard_\w+)@", symbols, re.MULTILINE)))
    version = re.compile(r"QMPGUARD_[\d.]+")
    yield ("the symbols' version: exports.map, and Debian's symbols",
           set(version.findall(tree.text("src/lib/exports.map"))), set(version.findall(symbols)))
    units = set(re.findall(r'UNIT\("(\w+)"\)', tree.text("src/helper/host/host.c")))
    guarded = re.search(r"guarded\[\] = \{(.*?), NULL\}", tree.text("src/util/daemon_name.c")).group(1)
    yield "daemons: host.c, and daemon_name.c", units, set(re.findall(r'"(\w+)"', guarded))
    for path in ("debian/libvirt-qmp-guard.prerm", "libvirt-qmp-guard.spec"):
        listed = re.search(r"case \$daemon in\n\s+(.*?)\)", tree.text(path)).group(1)
        yield f"daemons: host.c, and {path}", units, set(listed.split(" | "))


def shipped(tree):
    """Files of a kind of which each has to be listed by hand: the list, and what there is."""
    for path, pattern, glob in [("xml/meson.build", r"'(profiles/.*?)'", "profiles/*.xml"),
                                ("xml/meson.build", r"'(examples/.*?)'", "examples/*.xml"),
                                ("docs/man/meson.build", r"^  '([\w-]+)': '\d'", "*.rst"),
                                ("src/meson.build", r"'([\w/]+\.c)'", "**/*.c"),
                                ("src/helper/meson.build", r"'([\w/]+\.c)'", "**/*.c"),
                                ("src/lib/meson.build", r"'([\w/]+\.c)'", "**/*.c"),
                                ("plugin/meson.build", r"'([\w/]+\.c)'", "**/*.c"),
                                ("hooks/meson.build", r"'([\w/]+\.c)'", "**/*.c"),
                                ("tests/unit/meson.build", r"^  '(\w+)': (?:\[\]|files\(.*\)),$", "test_*.c"),
                                ("tests/catalog/meson.build", r"'(qemu-[\d.]+\.txt)'", "*.txt")]:
        folder = (tree.root / path).parent
        inner = [other.parent for other in folder.rglob("*/meson.build")]
        there = {str(file.relative_to(folder)) for file in folder.glob(glob) if not set(inner) & set(file.parents)}
        there = {re.sub(r"^test_(\w+)\.c$|\.rst$", r"\1", name) for name in there}
        listed = {name for name in re.findall(pattern, tree.text(path), re.MULTILINE) if name not in GENERATED}
        # A whole domain, that the guide shows; it is no policy.
        yield f"{path}: what it lists, and {glob}", listed, there - {"examples/domain.xml"}


class Paths:
    """Those that meson.build gives the sources, with the sysconfdir of a package."""

    def __init__(self, tree):
        text = tree.text("meson.build")
        self.values = {"libvirt_etc": "/etc/libvirt"}
        for name, value in re.findall(r"^(\w+) = (\S+(?: / \S+)+|'/\S+')$", text, re.MULTILINE):
            parts = [part.strip("'") if part[0] == "'" else self.values.get(part) for part in value.split(" / ")]
            if None not in parts:
                self.values.setdefault(name, "/".join(parts))
        names = re.search(r"^foreach name, path : \{(.*?)^\}", text, re.MULTILINE | re.DOTALL).group(1)
        self.macros = {macro: self.values[name] for macro, name in re.findall(r"'(\w+)': (\w+),", names)
                       if name in self.values}

    def allow(self, path):
        """Is it one of these, a directory above one, or a file beside the trail?"""
        return any(known == path or known.startswith(path + "/") for known in self.macros.values()) or \
            path.startswith((self.macros["TRAIL_PATH"] + ".", self.macros["TRAIL_PATH"] + "-"))


def path_rows(tree):
    paths = Paths(tree)
    told = {(name, value) for name, value in places.MACROS.items() if value.startswith("/")}
    yield ("paths: meson.build's, and in docs/messages/places.py",
           {row for row in paths.macros.items() if row[0] in dict(told)}, told)
    pattern = re.compile(r"/(?:etc|var/log|run)/libvirt/(?:qmp-guard|hooks)[\w./-]*")
    written = {f"{path.relative_to(tree.root)}: {found.rstrip('./')}": paths.allow(found.rstrip("./"))
               for glob in ("*.md", "docs/**/*", "debian/*", "xml/**/*", "plugin/**/*", "hooks/*", "src/**/*")
               for path in tree.root.glob(glob) if path.is_file() and path.suffix != ".pyc"
               for found in pattern.findall(path.read_text(encoding="utf-8"))}
    yield ("paths that are written, and those of them that meson.build has", set(written),
           {where for where, is_known in written.items() if is_known})


def main(source):
    tree = Tree(pathlib.Path(source).resolve())
    wrong = [f"{title}: {told}" for title, told in same(tree) if len(set(told.values())) != 1]
    wrong += differences([*sets(tree), *shipped(tree), *path_rows(tree)])
    print("\n".join(wrong) or "the packaging says what meson.build says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
