/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitors on the command line of a QEMU that runs. */
#include "unit.h"

#include "start/command_line.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct MonitorRow {
    const char *name;
    const char *arguments[8];
    const char *found; /* kinds, with a blank between */
} MonitorRow;

#define OBJECT                                                                                     \
    "-object", "{\"qom-type\":\"monitor-qmp\",\"id\":\"monitor\",\"chardev\":\"charmonitor\"}"
#define LIBVIRTS_OWN                                                                               \
    "-chardev", "socket,id=charmonitor,fd=23,server=on,wait=off", "-mon",                          \
        "chardev=charmonitor,id=monitor,mode=control"

static const MonitorRow monitor_rows[] = {
    {"libvirt's own", {"/usr/bin/qemu", "-S", LIBVIRTS_OWN}, ""},
    {"the same as an object",
     {"-chardev", "socket,id=charmonitor,fd=15,server=on,wait=off", OBJECT},
     ""},
    {"an object on the network",
     {"-chardev", "socket,id=charmonitor,host=x,port=4", OBJECT},
     "network-monitor"},
    {"an object on nothing", {OBJECT}, "network-monitor"},
    {"another object",
     {LIBVIRTS_OWN, "-object", "monitor-qmp,id=m,chardev=charmonitor"},
     "network-monitor"},
    {"another beside it", {LIBVIRTS_OWN, "-qmp", "tcp::4"}, "network-monitor"},
    {"a second time", {LIBVIRTS_OWN, "-mon", "charmonitor"}, "other-monitor"},
    {"two devices of that id",
     {LIBVIRTS_OWN, "-chardev", "socket,id=charmonitor,port=4,host=x"},
     "network-monitor"},
    {"what is none", {"-S", "-device", "x", "-incoming", "exec:x", "-monitor", "none"}, ""},
    {"each kind",
     {"-qmp", "unix:/x", "-monitor", "pty", "-serial", "mon:tcp::4", "-gdb", "null"},
     "unix-monitor other-monitor network-monitor"},
    {"a disk image", {"/x"}, ""},
};

static void test_monitors(void **state)
{
    const MonitorRow *row = *state;
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    StringList arguments = {0};
    char found[128] = "";

    for (size_t i = 0; i < COUNT_OF(row->arguments) && row->arguments[i]; i++)
        assert_int_equal(string_list_add(&arguments, row->arguments[i]), 0);
    command_line_look_for_monitors(&arguments, findings);
    for (size_t i = 0; i < findings->count; i++) {
        strcat(found, i ? " " : "");
        strcat(found, finding_info(findings->items[i].kind)->name);
    }
    assert_string_equal(found, row->found);
    assert_false(findings->failed);
    finding_list_clear(findings);
    string_list_clear(&arguments);
}

/* As many as a large domain has; those that open no monitor take no room. */
static void test_many_arguments(void **state)
{
    CLEANUP(mem) FindingList *findings = calloc(1, sizeof(*findings));
    StringList arguments = {0};

    (void)state;
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(string_list_add(&arguments, "-S"), 0);
    assert_int_equal(string_list_add(&arguments, "-s"), 0);
    command_line_look_for_monitors(&arguments, findings);
    assert_int_equal(findings->count, 1);
    assert_false(findings->failed);
    finding_list_clear(findings);
    string_list_clear(&arguments);
}

int main(void)
{
    UNIT_ADD_ROWS(monitor_rows, test_monitors);
    unit_add("a thousand arguments", test_many_arguments, NULL);
    return unit_run("monitors");
}
