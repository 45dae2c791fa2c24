#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges a QMP text as a host without policies would, then sends it. As execute.c, with ctypes and libvirt-python.

    ./execute.py demo '{"execute":"query-status"}'
    ./execute.py demo '{"execute":"inject-nmi"}' 'the guest hangs'     # as root

A reason, as in the last line, lets the text pass this once, whatever the policies say.
Exit status: 0, or the QmpguardCode of what failed.
"""

import ctypes
import os
import pwd
import sys

import libvirt

QMPGUARD_OK, QMPGUARD_ERROR_ARGUMENT, QMPGUARD_ERROR_LIBVIRT = 0, 1, 8
QMPGUARD_QMP = 0
QMPGUARD_ALLOW_DANGEROUS = 1


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("line", ctypes.c_uint), ("text", ctypes.c_char * 1016)]


class Question(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("channel", ctypes.c_int), ("is_confidential", ctypes.c_int),
                ("text", ctypes.c_char_p), ("domain", ctypes.c_char_p), ("user", ctypes.c_char_p),
                ("sasl", ctypes.c_char_p), ("x509", ctypes.c_char_p), ("selinux", ctypes.c_char_p),
                ("unix_groups", ctypes.POINTER(ctypes.c_char_p))]


class Answer(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("verdict", ctypes.c_int), ("rule", ctypes.c_char_p),
                ("command", ctypes.c_char_p), ("command_class", ctypes.c_char_p),
                ("groups", ctypes.POINTER(ctypes.c_char_p)), ("message", ctypes.c_char_p),
                ("text", ctypes.c_char_p), ("record", ctypes.c_char_p)]


# Pointers have to be declared: ctypes would cut them to an int.
guard = ctypes.CDLL("libqmpguard.so.0")
guard.qmpguard_judge.argtypes = [ctypes.c_void_p, ctypes.POINTER(Question), ctypes.POINTER(ctypes.POINTER(Answer)),
                                 ctypes.POINTER(Error)]
guard.qmpguard_execute.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint, ctypes.c_char_p,
                                   ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(Error)]
guard.qmpguard_verdict_name.restype = ctypes.c_char_p
for free in (guard.qmpguard_free, guard.qmpguard_answer_free, guard.qmpguard_policy_free):
    free.argtypes, free.restype = [ctypes.c_void_p], None

pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.argtypes, pointer_of.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p


class GuardError(Exception):
    """What failed: its code, and a sentence."""

    def __init__(self, error):
        super().__init__(error.text.decode(errors="replace"))
        self.code = error.code


def judge(domain, text):
    """Returns (verdict, rule). Nothing is sent."""
    policy, answer, error = ctypes.c_void_p(), ctypes.POINTER(Answer)(), Error()
    question = Question(size=ctypes.sizeof(Question), channel=QMPGUARD_QMP, text=text.encode(), domain=domain.encode(),
                        user=pwd.getpwuid(os.geteuid()).pw_name.encode())
    if guard.qmpguard_policy_read(None, None, ctypes.byref(policy), ctypes.byref(error)) != QMPGUARD_OK:
        raise GuardError(error)
    try:
        if guard.qmpguard_judge(policy, question, ctypes.byref(answer), error) != QMPGUARD_OK:
            raise GuardError(error)
        return (guard.qmpguard_verdict_name(answer.contents.verdict).decode(), answer.contents.rule.decode())
    finally:
        guard.qmpguard_answer_free(answer)
        guard.qmpguard_policy_free(policy)


def execute(domain, text, reason=None):
    """Returns the reply. With a reason, a grant is made for this text alone; else the policies decide."""
    reply, error = ctypes.c_void_p(), Error()
    flags = QMPGUARD_ALLOW_DANGEROUS if reason else 0
    if guard.qmpguard_execute(pointer_of(domain._o, b"virDomainPtr"), QMPGUARD_QMP, text.encode(), flags,
                              reason.encode() if reason else None, ctypes.byref(reply), error) != QMPGUARD_OK:
        raise GuardError(error)
    try:
        return ctypes.string_at(reply.value).decode()
    finally:
        guard.qmpguard_free(reply)


def main(name, text, reason=None):
    libvirt.registerErrorHandler(lambda *_: None, None)     # or libvirt prints each error itself
    try:
        print("{} by {}".format(*judge(name, text)))
        domain = libvirt.open("qemu:///system").lookupByName(name)
        print(execute(domain, text, reason))
    except (GuardError, libvirt.libvirtError) as error:
        print(f"execute: {error}", file=sys.stderr)
        return getattr(error, "code", QMPGUARD_ERROR_LIBVIRT)
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        print("usage: execute.py DOMAIN TEXT [REASON]", file=sys.stderr)
        sys.exit(QMPGUARD_ERROR_ARGUMENT)
    sys.exit(main(*sys.argv[1:]))
