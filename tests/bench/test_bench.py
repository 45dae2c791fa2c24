# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does scripts/bench work? What it measures is nobody's promise, so no figure is looked at."""

import datetime
import hashlib
import json
import math
import subprocess

import pytest

import run
import section
from rows import HEADINGS, Row, row_of
from trail_count import TrailCount
from turns import rounds

HOST = {"libvirt": "1", "qemu": "2", "processors": 3, "processor": "x"}


def bench(*arguments):
    return subprocess.run([section.REPO / "scripts/bench", *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)


def test_quick_section_gives_rows_and_json(tmp_path):
    file = tmp_path / "figures.json"
    done = bench("--quick", "--json", file, "others")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(file.read_text())
    assert list(result["sections"]) == ["others"] and result["machine"]["libvirt"]
    rows = result["sections"]["others"]["rows"]
    assert len(rows) == 8
    for row in rows:
        assert 0 < row["low"] <= row["figure"] <= row["high"]
        assert row["what"] in done.stdout


def test_unknown_section_is_usage():
    done = bench("no-such")
    assert done.returncode == 2 and "no such section: no-such" in done.stderr


@pytest.mark.parametrize("aim,figure,is_met", [
    ("<= 1.01", 1.01, True), ("<= 1.01", 1.02, False), (">= 50", 49, False), ("= 0", 0, True), ("< 1", 1, False),
    ("no difference", 1, None), (">= 50", math.inf, None), ("", 1, None)])
def test_aim(aim, figure, is_met):
    assert Row("x", figure, aim=aim).is_met is is_met


def test_row_of_blocks_is_median_and_quartiles():
    row = row_of("x", [5, 1, 2, 4, 3])
    assert (row.low, row.figure, row.high) == (2, 3, 4)
    assert Row("x", math.inf).to_json()["figure"] is None


def test_rounds_go_there_and_back():
    assert list(rounds("AB", 4)) == [["A", "B"], ["B", "A"], ["A", "B"], ["B", "A"]]


def test_document_changes_its_own_places_alone(tmp_path, monkeypatch):
    page = tmp_path / "speed.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- end of one -->\nb\n<!-- two -->\nkept\n<!-- end of two -->\nc\n")
    monkeypatch.setattr(run, "DOCUMENT", page)
    result = {"seconds": 4, "failure": None, "rows": [Row("what|ever", 2)]}
    now = datetime.datetime(2026, 1, 2)
    run.document({"one": result, "two": result | {"failure": "no"}}, "scripts/bench", now, HOST)
    text = page.read_text()
    assert text.startswith("a\n<!-- one -->\n`scripts/bench`, 2026-01-02") and "old" not in text
    assert "| " + " | ".join(HEADINGS) + " |\n" in text and "| what\\|ever | 2.000 |" in text
    assert text.endswith("<!-- end of one -->\nb\n<!-- two -->\nkept\n<!-- end of two -->\nc\n")


def test_every_section_has_its_place_in_the_document():
    text = run.DOCUMENT.read_text()
    assert section.names() and all(run.place_of(name).search(text) for name in section.names())


def write_trail(path, n_records):
    """Lines as src/audit/trail.h has them."""
    lines, chain = [], ""
    for number in range(1, n_records + 1):
        text = json.dumps({"event": "outcome" if number % 2 == 0 else "decision", "seq": number}, separators=(",", ":"))
        chain = hashlib.sha256((chain + text[:-1]).encode()).hexdigest()
        lines.append(f'{text[:-1]},"chain":"{chain}"}}')
    path.with_name("audit.log.head").write_text(f"{n_records} {chain}\n")
    path.write_text("".join(f"{line}\n" for line in lines))
    return lines


def test_trail_is_counted_and_its_chain_followed(tmp_path):
    path = tmp_path / "audit.log"
    lines = write_trail(path, 7)
    count = TrailCount(path)
    assert (count.events["decision"], count.events["outcome"], count.broken) == (4, 3, None)
    for changed, broken in ((lines[:3] + lines[4:], 4), (lines[:6], 6),
                            (lines[:2] + [lines[2].replace("decision", "dezision")] + lines[3:], 3)):
        path.write_text("".join(f"{line}\n" for line in changed))
        assert TrailCount(path).broken == broken
