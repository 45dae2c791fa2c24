# SPDX-License-Identifier: LGPL-2.1-or-later
"""That what features.py finds is true: a test that is excused by mistake is one that nobody misses."""

import pytest

from features import FEATURES, LIBVIRT, QEMU, has


@pytest.mark.parametrize("name", [name for name, feature in FEATURES.items() if feature.since])
def test_feature_is_there_since_its_version(connection, name):
    program, number = FEATURES[name].since
    versions = {LIBVIRT: connection.getLibVersion(), QEMU: connection.getVersion()}
    assert has(name) == (versions[program] >= number)
