# SPDX-License-Identifier: LGPL-2.1-or-later
# bash's completion for virt-qmp-guard. The words are asked of the program itself, so that they are never old.

# Lines of a --help that begin with a word: commands, and what `policy` does.
_virt_qmp_guard_words() {
    "$@" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

_virt_qmp_guard_options() {
    "$@" --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u
}

# Those in front of the command: the lines of the program's own --help that begin with a letter's option.
_virt_qmp_guard_common() {
    "$@" --help 2>/dev/null | grep -E '^  -' | grep -oE -- '--[a-z]+'
}

# Prints the domains, when libvirt answers at once.
_virt_qmp_guard_domains() { # the words of the options in front of the command
    timeout 2 virsh -q "$@" list --all --name 2>/dev/null
}

# Offers those lines that begin with a word. A domain's name is whatever somebody chose: `compgen -W` would run what is
# in it, and on the command line it must not mean more than itself.
_virt_qmp_guard_offer() { # the word
    local name quoted

    COMPREPLY=()
    while IFS= read -r name; do
        printf -v quoted %q "$name"
        [[ -n $name && ($name == "$1"* || $quoted == "$1"*) ]] && COMPREPLY+=("$quoted")
    done
}

_virt_qmp_guard() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local uri=() command='' action='' words='' at

    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        -c | --connect) uri=(-c "${COMP_WORDS[++at]}") ;;
        -*) ;;
        *) [[ -z $command ]] && command=${COMP_WORDS[at]} || action=${action:-${COMP_WORDS[at]}} ;;
        esac
    done
    case $command,$action,$before in
    ,,-c | ,,--connect) words=$'qemu:///system\nqemu:///session' ;;
    *,--domain | *,--vm) words=$(_virt_qmp_guard_domains "${uri[@]}") ;;
    *,*,--*file | *,*,--root | *,*,--policy | *,*,--host-policy) ;;
    ,*) words=$(_virt_qmp_guard_words "$program" && _virt_qmp_guard_common "$program") ;;
    help,,*) words=$(_virt_qmp_guard_words "$program") ;;
    *,,*)
        words=$(_virt_qmp_guard_words "$program" "$command" && _virt_qmp_guard_options "$program" "$command")
        [[ $command != grant* ]] || words+=$'\n'$(_virt_qmp_guard_domains "${uri[@]}")
        ;;
    policy,show,* | policy,clear,* | policy,set,set) words=$(_virt_qmp_guard_domains "${uri[@]}") ;;
    *) words=$(_virt_qmp_guard_options "$program" "$command") ;;
    esac
    _virt_qmp_guard_offer "$word" <<<"$words"
}

# Where there is no such word it is a file's name.
complete -o default -F _virt_qmp_guard virt-qmp-guard
