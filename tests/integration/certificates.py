# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates by any OpenSSL: 1.1 has no `req -CA`."""

from clients import run

DAYS = "2"


def openssl(*words):
    done = run("openssl", *words)
    assert done.returncode == 0, done.stderr


def make_key(subject, key, out, *options):
    """A key, and what @options say that is made for it: with -x509 a certificate by itself, else a request for one."""
    days = ["-days", DAYS] if "-x509" in options else []
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout", key,
            "-out", out, *days, *options)


def make_signed(subject, key, out, authority, extension):
    """A key, and a certificate by @authority, which is the paths of its certificate and its key."""
    request, extensions = out.with_suffix(".request"), out.with_suffix(".extensions")
    make_key(subject, key, request)
    extensions.write_text(f"{extension}\nbasicConstraints=critical,CA:FALSE\n")
    openssl("x509", "-req", "-days", DAYS, "-in", request, "-extfile", extensions, "-CA", authority[0],
            "-CAkey", authority[1], "-CAcreateserial", "-out", out)
