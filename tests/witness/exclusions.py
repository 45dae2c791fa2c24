# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the generator does not say, and why: it would end the QEMU, stop the witness or reach beyond the lab.

Everything else is said, with arguments of every kind. A mutation may still make one of these, or another way to end a
QEMU: then the machine is started anew and the run counts it.
"""

# Name of a QMP command or HMP line: reason. docs/witness.md shows this table.
ENDS = "ends the QEMU"
BLIND = "turns the witness off, or moves what it writes"
WEDGES = "keeps the monitor busy or the machine stopped for good"
HOST = "opens a port of the host's, connects to it, or writes large files there"
GUEST = "ends or wedges the guest, and with it its agent"

EXCLUDED = {
    "qmp": {
        "quit": ENDS, "x-exit-preconfig": ENDS, "xen-load-devices-state": ENDS,
        "blockdev-reopen": f"{ENDS}, of version 7.2, when its list is empty",
        "set-action": f"{ENDS}: reboot=shutdown, and a reset",
        "trace-event-set-state": BLIND,
        "yank": "closes the monitor, which libvirt takes for the QEMU's end",
        "chardev-change": f"{WEDGES}: it may wait for a connection", "chardev-add": f"{WEDGES}: it may wait for one",
        "migrate": WEDGES, "migrate-incoming": WEDGES, "migrate-recover": WEDGES, "migrate-start-postcopy": WEDGES,
        "migrate-continue": WEDGES, "snapshot-save": WEDGES, "snapshot-load": WEDGES, "snapshot-delete": WEDGES,
        "announce-self": f"{WEDGES}: a negative step, and as many rounds as it is told",
        "x-colo-lost-heartbeat": WEDGES, "xen-save-devices-state": WEDGES, "calc-dirty-rate": WEDGES,
        "replay-seek": WEDGES, "replay-break": WEDGES,
        "nbd-server-start": HOST, "block-export-add": HOST, "display-update": HOST,
        "blockdev-create": HOST, "drive-mirror": HOST, "drive-backup": HOST,
    },
    "hmp": {
        "quit": ENDS, "exit_preconfig": ENDS, "mce": ENDS,
        "o": f"{ENDS}: the port that powers a machine off is one of them", "watchdog_action": f"{ENDS}, later",
        "trace-event": BLIND, "trace-file": BLIND, "log": BLIND, "logfile": BLIND,
        "chardev-add": WEDGES, "chardev-change": WEDGES,
        "migrate": WEDGES, "migrate_incoming": WEDGES, "migrate_recover": WEDGES, "migrate_start_postcopy": WEDGES,
        "migrate_continue": WEDGES, "savevm": WEDGES, "loadvm": WEDGES, "delvm": WEDGES, "calc_dirty_rate": WEDGES,
        "x_colo_lost_heartbeat": WEDGES, "replay_seek": WEDGES, "replay_break": WEDGES, "sync-profile": WEDGES,
        "sum": f"{WEDGES}: it adds up as many bytes as it is told",
        "x": f"{WEDGES}: it prints as many lines as it is told", "xp": f"{WEDGES}: as x does",
        "qemu-io": f"{WEDGES}: it has a command that sleeps",
        "gdbserver": HOST, "hostfwd_add": HOST, "nbd_server_start": HOST, "nbd_server_add": HOST,
        "drive_mirror": HOST, "drive_backup": HOST, "wavcapture": HOST,
    },
    "agent": {
        "guest-shutdown": GUEST, "guest-suspend-disk": GUEST, "guest-suspend-ram": GUEST,
        "guest-suspend-hybrid": GUEST, "guest-fsfreeze-freeze": GUEST, "guest-fsfreeze-freeze-list": GUEST,
        "guest-set-vcpus": GUEST, "guest-set-memory-blocks": GUEST, "guest-exec": GUEST,
        "guest-sync-delimited": "answers with a byte that libvirt takes for no JSON, as it does for its own",
    },
}


def table():
    """The same by reason, as docs/witness.md has it."""
    reasons = {}
    for channel, commands in EXCLUDED.items():
        for name, reason in commands.items():
            reasons.setdefault(reason, {}).setdefault(channel, []).append(f"`{name}`")
    lines = ["| reason | not said |", "|---|---|"]
    for reason, channels in reasons.items():
        said = "; ".join(f"{channel}: {', '.join(names)}" for channel, names in channels.items())
        lines.append(f"| {reason} | {said} |")
    return "\n".join(lines)
