# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that boots a Linux, and its agent, which logs every byte that it reads: that is the witness."""

import time
import xml.etree.ElementTree as ElementTree

from compare import DENIED
from machine import DIRECTORY, NO_ERROR, Witness, clients
from testimony import read_agent_log

from machines import GUEST

LOG_PORT = "qemu-ga.log"    # tests/lab/guest knows it
BOOT = 180                  # seconds


class AgentWitness(Witness):
    start_flags = 0

    def xml(self):
        self.trace = DIRECTORY / f"{self.name}.{self.deaths}.log"
        self.console = DIRECTORY / f"{self.name}.{self.deaths}.console"
        root = ElementTree.fromstring(clients.run(GUEST, "xml", "--serial", self.console, self.name).stdout)
        root.find("devices").append(ElementTree.fromstring(
            f"<channel type='file'><source path='{self.trace}'/><target type='virtio' name='{LOG_PORT}'/></channel>"))
        return ElementTree.tostring(root, encoding="unicode")

    def wait(self):
        deadline = time.monotonic() + BOOT
        while "guest ready" not in self.console.read_text(errors="replace"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the guest does not get ready: {self.console.read_text()[-300:]}")
            time.sleep(0.1)

    def schema(self):
        self.skip()
        return []

    def has_died(self, sent):
        """libvirt makes an error of its own of the agent's. Any other means that the agent does not answer."""
        return sent.error not in (NO_ERROR, DENIED) and not sent.is_agents_error()

    def is_in_between(self, text):
        """Its log is read when it has answered."""
        return False

    def read(self, text):
        """libvirt numbers nothing here."""
        return read_agent_log(text)
