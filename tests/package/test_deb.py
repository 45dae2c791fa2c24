# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages: what is in them, and what installing and removing one does to a system. scripts/package."""

import os
import re
import shutil

import pytest

from system import DROP_IN, ELSEWHERE, PACKAGES, REPO, VERSION, System, expected, run

NAMES = ["libvirt-qmp-guard", "libqmpguard0", "libqmpguard-dev"]


def package(name):
    found = list(PACKAGES.glob(f"{name}_{VERSION}_*.deb"))
    assert len(found) == 1, f"not one {name} of version {VERSION} in {PACKAGES}"
    return found[0]


LIBDIR = "/usr/lib/" + run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").stdout.strip()


def contents(name):
    """Its files and links. Which pages are compressed depends on their size."""
    for line in run("dpkg-deb", "--contents", package(name)).stdout.splitlines():
        mode, owner, _, _, _, path = line.split(maxsplit=5)
        assert owner == "root/root"
        if not mode.startswith("d"):
            path = path.partition(" ->")[0].removeprefix(".").replace(LIBDIR, "LIBDIR")
            yield re.sub(r"^(/usr/share/(?:doc|man)/.*)\.gz$", r"\1", path)


@pytest.mark.parametrize("name", NAMES)
def test_contents(name):
    rows = expected()
    assert {row[0] for row in rows} == set(NAMES)
    assert sorted(contents(name)) == sorted(row[1] for row in rows if row[0] == name)


class DebianSystem(System):
    """With a dpkg of its own."""

    def __init__(self, root):
        super().__init__(root)
        self.write("var/lib/dpkg/status", "")
        self.write("var/lib/dpkg/info/format", "1\n")
        self.path("var/lib/dpkg/updates").mkdir()

    def dpkg(self, *words, **kwargs):
        # What they depend on is not there as packages.
        return run("dpkg", f"--root={self.root}", "--force-depends", "--no-triggers", *words, **kwargs)

    def install(self):
        done = self.dpkg("--install", package("libvirt-qmp-guard"))
        self.copy_libraries(self.path("usr/bin/virt-qmp-guard"))
        self.copy_libraries(self.path(LIBDIR[1:]) / "libvirt-qmp-guard/guard.so")
        return done

    def files(self):
        """All but dpkg's own and the libraries."""
        names = (str(path.relative_to(self.root)) for path in self.root.rglob("*"))
        return {name for name in names if not name.startswith(("var/lib/dpkg", "var/log/dpkg", LIBDIR[1:]))}


@pytest.fixture
def system(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("installing packages needs root")
    return DebianSystem(tmp_path)


def test_installed_enabled_removed_and_purged(system):
    before = system.files()
    system.install()
    assert not system.path(DROP_IN).exists()
    hook = os.readlink(system.path("etc/libvirt/hooks/qemu.d/50-qmp-guard"))
    assert hook.startswith("/usr/lib/libvirt/") and os.access(system.path(hook[1:]), os.X_OK)

    done = system.helper("enable", "--audit-only")
    assert done.stderr == "" and f"wrote /{DROP_IN}" in done.stdout
    text = system.path(DROP_IN).read_text()
    assert "LD_PRELOAD=/usr/$LIB/libvirt-qmp-guard/guard.so\n" in text
    assert f" {LIBDIR}/libvirt-qmp-guard/guard.so cannot be loaded" in text
    system.install()        # as an upgrade does
    assert system.path(DROP_IN).read_text() == text

    system.write("var/log/libvirt/qmp-guard/audit.log", "{}\n")
    system.write("run/libvirt/qmp-guard/grants", "")
    system.pretend_guarded()
    assert "systemctl restart" in system.install().stdout
    # There is no systemd: tests/host has one.
    done = system.dpkg("--remove", "libvirt-qmp-guard", env=ELSEWHERE)
    assert not system.path(DROP_IN).exists() and "libvirtd keeps the guard until it is restarted" in done.stdout
    shutil.rmtree(system.path("proc"))
    assert not system.path(LIBDIR[1:]).joinpath("libvirt-qmp-guard").exists()
    assert system.path("var/log/libvirt/qmp-guard/audit.log").exists()
    assert system.path("etc/logrotate.d/qmp-guard").exists()

    # A policy of the operator's.
    system.write("etc/libvirt/qmp-guard/policy.xml", "<policy/>")
    system.dpkg("--purge", "libvirt-qmp-guard")
    left = {name for name in system.files() - before if not system.path(name).is_dir()}
    assert left == set() and not system.path("etc/libvirt/qmp-guard").exists()
    assert not system.path("var/log/libvirt/qmp-guard").exists()


def test_not_removed_while_something_preloads_it(system):
    """Or libvirtd would not start any more."""
    system.install()
    system.helper("enable")
    other = f"{os.path.dirname(DROP_IN)}/override.conf"
    system.write(other, system.path(DROP_IN).read_text())
    done = system.dpkg("--remove", "libvirt-qmp-guard", check=False)
    assert done.returncode != 0 and f"/{other} names the plugin" in done.stderr
    assert system.path(other).exists() and system.path(LIBDIR[1:]).joinpath("libvirt-qmp-guard/guard.so").exists()
    system.path(other).unlink()
    system.dpkg("--remove", "libvirt-qmp-guard")
    assert not system.path(DROP_IN).exists()


def test_a_program_is_built_with_the_library(system, tmp_path):
    system.dpkg("--install", package("libqmpguard0"), package("libqmpguard-dev"))
    libdir = system.path(LIBDIR[1:])
    run("cc", "-Wall", "-Werror", f"-I{system.path('usr/include')}", REPO / "docs/examples/execute.c", f"-L{libdir}",
        "-lqmpguard", "-lvirt", "-o", tmp_path / "execute")
    described = run("pkg-config", "--modversion", libdir / "pkgconfig/libqmpguard.pc").stdout.strip()
    assert described == VERSION
    assert f"{libdir}/libqmpguard.so.0" in run("ldd", tmp_path / "execute", env={
        "LD_LIBRARY_PATH": str(libdir), "PATH": "/usr/bin:/bin"}).stdout
