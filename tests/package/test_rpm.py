# SPDX-License-Identifier: LGPL-2.1-or-later
"""The RPM packages: as test_deb.py, on a Debian. scripts/package --rpm."""

import os

import pytest

from system import DROP_IN, PACKAGES, VERSION, System, expected, run

# As Debian calls it, and an RPM.
NAMES = {"libvirt-qmp-guard": "libvirt-qmp-guard", "libqmpguard0": "libqmpguard",
         "libqmpguard-dev": "libqmpguard-devel"}
LIBDIR = run("rpm", "--eval", "%{_libdir}").stdout.strip()
DEBIAN_LIBDIR = "/usr/lib/" + run("dpkg-architecture", "-qDEB_HOST_MULTIARCH").stdout.strip()


def package(name):
    found = list(PACKAGES.glob(f"{name}-{VERSION}-*.rpm"))
    assert len(found) == 1, f"not one {name} of version {VERSION} in {PACKAGES}"
    return found[0]


def is_custom(path):
    """Pages, and links for debuggers: which of those there are, and where, is each distribution's custom."""
    return path.startswith(("/usr/share/doc/", "/usr/share/doc-base/", "/usr/share/licenses/", "/usr/share/lintian/",
                            "/usr/share/man/", "/usr/lib/.build-id/"))


@pytest.mark.parametrize("name", NAMES)
def test_contents(name):
    """Those of the Debian package; but the hook's programs have a place of their own, and AppArmor a rule for it."""
    wanted = {row[1].replace("LIBDIR", LIBDIR).replace("/usr/lib/libvirt/", "/usr/libexec/libvirt-qmp-guard/")
              for row in expected() if row[0] == name}
    if name == "libvirt-qmp-guard":
        wanted.add("/usr/share/qmp-guard/confinement/apparmor")
    listed = run("rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]", package(NAMES[name])).stdout
    found = {path for mode, path in map(str.split, listed.splitlines()) if not mode.startswith("d")}
    assert {path for path in found if not is_custom(path)} == {path for path in wanted if not is_custom(path)}


class RpmSystem(System):
    def rpm(self, *words, **kwargs):
        return run("rpm", f"--root={self.root}", "--force-debian", "--nodeps", *words, **kwargs)

    def install(self):
        self.rpm("--install", package("libvirt-qmp-guard"))
        self.copy_libraries(self.path("usr/bin/virt-qmp-guard"))
        self.copy_libraries(self.path(LIBDIR[1:]) / "libvirt-qmp-guard/guard.so")


@pytest.fixture
def system(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("installing packages needs root")
    return RpmSystem(tmp_path)


def test_installed_enabled_and_removed(system):
    system.install()
    # This loader's $LIB is Debian's.
    done = system.helper("enable", check=False)
    assert done.returncode == 1 and "cannot run with the plugin" in done.stderr
    system.path(DEBIAN_LIBDIR[1:]).joinpath("libvirt-qmp-guard").symlink_to(f"{LIBDIR}/libvirt-qmp-guard")
    done = system.helper("enable")
    assert done.stderr == "" and f"wrote /{DROP_IN}" in done.stdout

    other = f"{os.path.dirname(DROP_IN)}/override.conf"
    system.write(other, system.path(DROP_IN).read_text())
    done = system.rpm("--erase", "libvirt-qmp-guard", check=False)
    assert done.returncode != 0 and f"/{other} names the plugin" in done.stderr
    assert system.path(LIBDIR[1:]).joinpath("libvirt-qmp-guard/guard.so").exists()
    system.path(other).unlink()
    system.rpm("--erase", "libvirt-qmp-guard")
    assert not system.path(DROP_IN).exists()
    assert not system.path(LIBDIR[1:]).joinpath("libvirt-qmp-guard").exists()
