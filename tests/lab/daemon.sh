#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Controls the lab's libvirtd or virtqemud: daemon start|stop|restart|pid.  scripts/lab copies this file to
# $QMP_GUARD_LAB_DIR/daemon, and whatever runs in that lab may call it there.  Guests survive a stop,
# as they do on any host.  A line in $DIR/tool is what the daemon is run under, such as valgrind.

set -u

DIR=$(dirname "$(realpath "$0")")
PROGRAM=$(cat "$DIR/program")
NAME=${PROGRAM##*/}
TIMEOUT=60      # seconds; a daemon that is told to stop while it handles an event takes 30

die() {
    echo "daemon: $*" >&2
    exit 1
}

# A dead process keeps its number until the lab's first process has collected it.
is_running() { # a process id
    grep -qxE "Name:.($NAME|memcheck.*)" "/proc/$1/status" 2>/dev/null &&
        ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# Prints the daemon's process id if it is running.  It leaves its PID file behind when it is killed.
pid() {
    local pid

    pid=$(cat "/run/$NAME.pid" 2>/dev/null) && [[ -n $pid ]] && is_running "$pid" && echo "$pid"
}

start() {
    local preload=() tool=() child library deadline=$((SECONDS + TIMEOUT))

    pid >/dev/null && die "already running"
    library=$(cat "$DIR/preload")
    [[ -n $library ]] && preload=("LD_PRELOAD=$library")
    [[ ! -e $DIR/tool ]] || read -ra tool <"$DIR/tool"

    # Its own session, for a ^C is meant for COMMAND; none of our caller's files, or whoever reads our
    # output to its end would wait for the daemon's.
    setsid env -u NOTIFY_SOCKET -u LISTEN_FDS -u LISTEN_PID -u LIBVIRT_DEFAULT_URI "${preload[@]}" \
        "${tool[@]}" "$PROGRAM" </dev/null >>"$DIR/daemon.err" 2>&1 &
    child=$!
    rm -f "$DIR/stopped"
    until timeout "$TIMEOUT" virsh -q -c qemu:///system uri >/dev/null 2>&1; do
        if ! kill -0 "$child" 2>/dev/null || ((SECONDS >= deadline)); then
            tail -n 10 "$DIR/daemon.err" >&2
            grep -h ': error :' "/var/log/libvirt/$NAME.log" 2>/dev/null | tail -n 10 >&2
            die "$NAME does not start"
        fi
        sleep 0.02
    done
}

stop() {
    local pid deadline=$((SECONDS + TIMEOUT))

    pid=$(pid) || die "not running"
    touch "$DIR/stopped"
    kill -TERM "$pid"
    # Not until its PID file is gone, for which it has something to do yet: what it writes at its end counts.
    while is_running "$pid"; do
        ((SECONDS < deadline)) || die "$NAME does not stop"
        sleep 0.02
    done
}

[[ /run -ef $DIR/run ]] || die "works only inside its lab"
case $#,${1-} in
    1,start) start ;;
    1,stop) stop ;;
    1,restart) stop && start ;;
    1,pid) pid || die "not running" ;;
    *) die "usage: daemon start|stop|restart|pid" ;;
esac
