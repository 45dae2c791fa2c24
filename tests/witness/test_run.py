# SPDX-License-Identifier: LGPL-2.1-or-later
"""The witness's run, as part of all tests. Runs inside a lab: see scripts/test."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from policies import POLICIES

TEXTS = int(os.environ.get("QMP_GUARD_WITNESS_TEXTS", "20000"))
RUN = pathlib.Path(__file__).with_name("run.py")


@pytest.fixture(scope="module")
def totals(tmp_path_factory, request):
    result = tmp_path_factory.mktemp("witness") / "result.json"
    done = subprocess.run([sys.executable, RUN, "--texts", str(TEXTS), "--workers", "5", "--json", result],
                          capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)     # with the seed; pytest shows it with a failure
    assert result.exists(), done.stdout + done.stderr
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{done.stdout.splitlines()[-1]}")
    return {(channel, policy): counts for channel, policy, counts in json.loads(result.read_text())["totals"]}


def test_no_worker_died(totals):
    assert not [counts for (_, policy), counts in totals.items() if policy is None]


@pytest.mark.parametrize("channel", ["qmp", "agent"])
@pytest.mark.parametrize("policy", list(POLICIES))
def test_no_difference(totals, channel, policy):
    """And it was none because there was something to compare: texts that pass and that do not."""
    counts = totals[channel, policy]
    assert not counts.get("difference"), counts["difference"][0]
    assert counts["refused"] and counts["refused"] + counts["passed"] + len(counts.get("died", [])) >= counts["texts"]
    assert (counts["executed"] > 0) == (counts["passed"] > 0) == (policy != "closed")


def test_deaths_are_few(totals):
    """A QEMU that ends takes the rest of its batch with it: texts that nobody compared."""
    died = [text for counts in totals.values() for text in counts.get("died", [])]
    assert len(died) <= TEXTS // 2000, died
