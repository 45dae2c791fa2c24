#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# inside.sh READY COMMAND...
#
# First process of a lab's PID namespace; started by scripts/lab, never by hand.  Puts the lab's directories in place of
# the host's, starts the daemon, runs COMMAND, and ends with its exit status.  While it waits it also collects the orphans
# of the namespace, as every process 1 must.  READY is the file that it closes when it is prepared for signals.

set -eEu

DIR=$QMP_GUARD_LAB_DIR
KNOWN_CAPABILITIES=$QMP_GUARD_BUILD/lab/capabilities
CAPABILITIES=/var/cache/libvirt/qemu/capabilities
EXIT_LAB=125

# The kernel spares process 1 every signal that it does not handle.  SIGUSR1 stands for a SIGINT that
# scripts/lab hands on; a real one comes from the keyboard and reaches COMMAND without our help.
trap 'exit 143' TERM
trap 'exit 130' INT USR1
trap 'exit $EXIT_LAB' ERR
ready=$1
shift
exec {ready}>&-         # scripts/lab may now send them

# Covers a directory with an empty file system that shows everything that it holds, and has room for more.
cover() { # directory, mode
    local stage=$DIR/stage entry copy

    mkdir -p "$stage"
    mount -t tmpfs -o "mode=$2" lab "$stage"
    for entry in "$1"/* "$1"/.[!.]*; do
        copy=$stage/${entry##*/}
        if [[ -L $entry ]]; then
            cp -P "$entry" "$copy"
        elif [[ -d $entry ]]; then
            mkdir "$copy"
            mount --rbind "$entry" "$copy"
        elif [[ -e $entry ]]; then
            touch "$copy"
            mount --bind "$entry" "$copy"
        fi
    done
    mount --move "$stage" "$1"
    rmdir "$stage"
}

# Makes sure that a directory exists to mount on. One that the host lacks it must not get from us.
provide() {
    [[ -d $1 ]] && return
    cover "${1%/*}" 0755
    mkdir "$1"
}

# Lets everybody come to what is built, though it may lie in root's own directory: users' programs are run from there,
# and what QEMU boots.
open_ways() {
    local path=$1

    while [[ $path == /*/* ]]; do
        path=${path%/*}
        [[ $(stat -c %A "$path") == *[xt] ]] || cover "$path" 0711
    done
}

mount_lab() {
    local path

    mount --make-rprivate /         # before anything else: from here on no mount reaches the host
    mount -t proc proc /proc
    hostname -F "$DIR/etc/hostname"
    for path in /etc/passwd /etc/group /etc/hosts; do
        [[ -e $path ]] || continue      # a host may do without /etc/hosts
        mount --bind "$DIR$path" "$path"
    done
    open_ways "$(realpath -m "$QMP_GUARD_BUILD")"
    open_ways "$(realpath "$(dirname "$0")")"
    cd "$PWD"       # what it was before lies below a cover now
    for path in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
        provide "$path"
        mount --bind "$DIR$path" "$path"
    done
    # All of it: the daemon's PID file lies there, and the sockets of the host's systemd and D-Bus, to which
    # it would announce its guests, do too.
    mount --bind "$DIR/run" /run
}

# Asking every QEMU what it can do takes libvirtd more than a second, so it is asked for that before COMMAND is, and
# the answers are kept for other labs.  libvirtd throws away what does not fit this QEMU, kernel or libvirt.
recall_capabilities() {
    mkdir -p "$CAPABILITIES"
    cp "$KNOWN_CAPABILITIES"/*.xml "$CAPABILITIES/" 2>/dev/null || true
}

remember_capabilities() {
    local file known

    virsh -q -c qemu:///system capabilities >/dev/null
    [[ -d $QMP_GUARD_BUILD ]] || return 0
    mkdir -p "$KNOWN_CAPABILITIES"
    for file in "$CAPABILITIES"/*.xml; do
        known=$KNOWN_CAPABILITIES/${file##*/}
        cmp -s "$file" "$known" && continue
        cp "$file" "$known.${DIR##*.}" && mv "$known.${DIR##*.}" "$known"     # others may be reading
    done
}

# Whether an ordinary guest runs with KVM; a /dev/kvm that opens is no proof.  A virtual machine without VMX or SVM
# may have one that emulates (kvm_pvm), at which Linux guests crash; a broken nested one does not even get through the
# firmware.
kvm_works() {
    local output firmware status=0

    [[ -c /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo || return
    exec {output}< <(exec timeout 3 qemu-system-x86_64 -machine pc,accel=kvm,graphics=off -m 16 -display none \
        -nodefaults -no-user-config -serial stdio </dev/null 2>/dev/null)
    firmware=$!
    grep -aqm1 'Booting from' <&"$output" || status=1
    kill "$firmware" 2>/dev/null
    exec {output}<&-
    return "$status"
}

choose_domain_type() {
    case ${QMP_GUARD_LAB_DOMAIN_TYPE-} in
        kvm | qemu) ;;
        *) if kvm_works; then QMP_GUARD_LAB_DOMAIN_TYPE=kvm; else QMP_GUARD_LAB_DOMAIN_TYPE=qemu; fi ;;
    esac
    export QMP_GUARD_LAB_DOMAIN_TYPE
}

# Runs COMMAND in the background, for only then does a signal reach us at once; and gives it back its standard input
# and what a background command's ^C would be, which the shell takes from it.
run_command() {
    local child status signalled=1

    trap '' INT QUIT HUP
    env --default-signal=INT,QUIT,HUP -- "$@" <&0 &
    child=$!
    trap 'signalled=1; kill -TERM $child 2>/dev/null || true' TERM
    trap 'signalled=1; kill -INT $child 2>/dev/null || true' USR1
    # A signal of ours ends a wait before its time; another wait gives the status in any case.
    while ((signalled)); do
        signalled=0
        status=0
        wait "$child" || status=$?
    done
    return "$status"
}

mount_lab
recall_capabilities
choose_domain_type
"$DIR/daemon" start
remember_capabilities
trap - ERR
stat -c %s "$QMP_GUARD_LAB_LOG" >"$DIR/log-offset"     # what comes before it is the daemon's usual complaints
status=0
run_command "$@" || status=$?
[[ -e $DIR/stopped ]] || "$DIR/daemon" pid >/dev/null || {
    echo "scripts/lab: $QMP_GUARD_DAEMON died:" >&2
    tail -n 5 "$DIR/daemon.err" >&2
}
# The kernel kills a daemon that is left running, and what it counted for scripts/coverage would go with it.
[[ -z ${QMP_GUARD_LAB_STOP-} || -e $DIR/stopped ]] || "$DIR/daemon" stop
exit "$status"
