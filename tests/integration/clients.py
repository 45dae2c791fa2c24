# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ordinary clients of the lab's daemon, as ordinary users run them."""

import ctypes
import functools
import json
import os
import pathlib
import re
import subprocess

import libvirt
import libvirt_qemu
import pytest

REPO = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = "qemu:///system"
# What the lab's daemon is: libvirtd, or virtqemud with virtproxyd before it for those who come by the network.
DAEMON = os.environ.get("QMP_GUARD_DAEMON", "libvirtd")
PID_FILE = pathlib.Path(f"/run/{DAEMON}.pid")
TIMEOUT = 60

HMP = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP


def socket_of(daemon):
    return f"/run/libvirt/{'libvirt' if daemon == 'libvirtd' else daemon}-sock"


SOCKET = socket_of(DAEMON)


def require_virtqemud():
    """Returns its path; skips the test where it cannot be made."""
    done = subprocess.run([REPO / "scripts/virtqemud"], capture_output=True, check=False, text=True)
    if done.returncode != 0:
        pytest.skip(f"there is no virtqemud: {done.stderr}")
    return done.stdout.splitlines()[-1]

# libvirt prints each error to stderr as well; the tests look at exceptions.
libvirt.registerErrorHandler(lambda *_: None, None)


def run(*arguments, user=None, **kwargs):
    """Runs a program to its end, as @user if one is given, and returns what came of it."""
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"] if user else []
    kwargs = {"capture_output": True, "check": False, "text": True, "timeout": TIMEOUT} | kwargs
    return subprocess.run([*as_user, *map(os.fspath, arguments)], **kwargs)


@functools.lru_cache(maxsize=None)
def virsh_makes_json():
    """Whether virsh makes a QMP command of plain words. It does where it can pass descriptors."""
    return "--pass-fds" in run("virsh", "help", "qemu-monitor-command").stdout


def virsh_words(*words):
    """@words for virsh, with JSON in the place of plain words where virsh does not make it itself."""
    words = list(map(os.fspath, words))
    if words[:1] != ["qemu-monitor-command"] or "--hmp" in words or virsh_makes_json():
        return words
    options = [word for word in words[2:] if word.startswith("--")]
    command, *arguments = [word for word in words[2:] if word not in options] or [""]
    if not re.fullmatch(r"[\w-]+", command):
        return words
    named = ",".join(arguments)
    if named:
        named = ',"arguments":' + (named if named.startswith("{") else f"{{{named}}}")
    return [*words[:2], *options, f'{{"execute":"{command}"{named}}}']


def virsh(*arguments, uri=SYSTEM, **kwargs):
    return run("virsh", "-q", "-c", uri, *virsh_words(*arguments), **kwargs)


def monitor(domain, *arguments, **kwargs):
    """virsh qemu-monitor-command."""
    return virsh("qemu-monitor-command", domain, *arguments, **kwargs)


def qmp_guard(*arguments, **kwargs):
    """The helper; the lab has it on its PATH."""
    return run("virt-qmp-guard", "-c", SYSTEM, *arguments, **kwargs)


def zip_equal(*lists):
    """zip(strict=True), which Python 3.9 does not have."""
    assert len(set(map(len, lists))) == 1
    return zip(*lists)


def answer_of(function, *arguments):
    """What a call of libvirt's answered, or the error that it raised."""
    try:
        return function(*arguments)
    except libvirt.libvirtError as error:
        # With the traceback it would keep the domain, and so the connection, until the collector comes: that closes it,
        # and when the daemon is gone by then, libvirt says so in place of the next call's own error.
        return error.with_traceback(None)


def send(domain, text, flags=0):
    """Sends @text through libvirt-python. Returns the answer as JSON (HMP: as text), or the libvirtError."""
    answer = answer_of(libvirt_qemu.qemuMonitorCommand, domain, text, flags)
    return answer if flags & HMP or isinstance(answer, libvirt.libvirtError) else json.loads(answer)


def is_denied(answer):
    """Whether an answer is the guard's refusal, and not an error of libvirt's or QEMU's."""
    return (isinstance(answer, libvirt.libvirtError) and answer.get_error_code() == libvirt.VIR_ERR_ACCESS_DENIED
            and answer.get_error_message().startswith("access denied: "))


def request(command, **arguments):
    """The text of a QMP command; `_` in the name of an argument stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return json.dumps({"execute": command} | ({"arguments": named} if named else {}))


_library = ctypes.CDLL("libvirt-qemu.so.0")
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_library.virDomainQemuMonitorCommand.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p),
                                                 ctypes.c_uint]


def send_bytes(domain, text, flags=0):
    """send() for texts that are not valid UTF-8, which libvirt-python itself would not take."""
    result = ctypes.c_char_p()
    pointer = _pointer_of(domain._o, b"virDomainPtr")
    if _library.virDomainQemuMonitorCommand(pointer, text, ctypes.byref(result), flags) < 0:
        return libvirt.libvirtError("virDomainQemuMonitorCommand() failed")
    return result.value.decode() if flags & HMP else json.loads(result.value)
