/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command_line.h"

#include "catalog/catalog.h"
#include "request/expand.h"
#include "request/json_strict.h"
#include "start/chardev.h"
#include "start/qemu_arguments.h"
#include "util/cleanup.h"

#include <string.h>

/* One option of the domain's. */
typedef struct Option {
    const StringList *arguments;
    const char *name; /* as written, but with one dash: `-qmp` */
    const char *value;
    const char *text; /* what a rule matches: `-qmp tcp::4444`, `-S` */
    const char *hmp; /* of its row: the HMP command that takes the same value */
    FindingKind kind; /* of its row */
} Option;

typedef void (*OptionReader)(const Option *option, FindingList *findings);

typedef struct OptionRow {
    const char *name;
    OptionReader read;
    FindingKind kind; /* what note_option() adds */
    const char *hmp; /* what note_by_catalogue() asks the catalogue about */
} OptionRow;

/* What a reach is found as, and in words. */
static const struct ReachRow {
    FindingKind kind;
    const char *words;
} reaches[] = {
    [REACH_NETWORK] = {FINDING_NETWORK_MONITOR,
                       "that the network may reach, without TLS and authorization"},
    [REACH_TLS] = {FINDING_TLS_MONITOR, "on TCP, with TLS and authorization"},
    [REACH_UNIX] = {FINDING_UNIX_MONITOR, "on the UNIX socket"},
    [REACH_OTHER] = {FINDING_OTHER_MONITOR, "outside libvirt's"},
    [REACH_NOBODY] = {FINDING_ARGUMENT, "that nobody can reach"},
};

static void note_monitor(const Option *option, const Chardev *chardev, FindingList *findings)
{
    const struct ReachRow *row = &reaches[chardev->reach];

    finding_add(findings, row->kind, chardev->path ? chardev->path : option->text,
                "%s opens a monitor or debugger %s%s%s", option->name, row->words,
                chardev->path ? " " : "", chardev->path ? chardev->path : "");
}

/* `-monitor DEVICE`, `-qmp DEVICE`, `-gdb DEVICE`, `-qtest DEVICE` */
static void read_monitor(const Option *option, FindingList *findings)
{
    Chardev chardev = {.reach = REACH_NOBODY};

    if (strcmp(option->value, "none") != 0)
        chardev_from_text(option->arguments, option->value, &chardev);
    note_monitor(option, &chardev, findings);
    chardev_clear(&chardev);
}

/* `-mon chardev=ID` or `-mon ID` */
static void read_mon(const Option *option, FindingList *findings)
{
    CLEANUP(mem) char *id = qemu_suboption(option->value, "chardev", true);
    Chardev chardev = {0};

    if (id)
        chardev_from_id(option->arguments, id, &chardev);
    note_monitor(option, &chardev, findings);
    chardev_clear(&chardev);
}

/* `-s` is `-gdb tcp::1234`. */
static void read_s(const Option *option, FindingList *findings)
{
    const Chardev chardev = {.reach = REACH_NETWORK};

    note_monitor(option, &chardev, findings);
}

static void note_option(const Option *option, FindingList *findings)
{
    finding_add(findings, option->kind, option->text, "%s %s", option->name,
                finding_info(option->kind)->help);
}

/* `-serial mon:DEVICE` puts a monitor on the same device. */
static void read_serial(const Option *option, FindingList *findings)
{
    if (strncmp(option->value, "mon:", strlen("mon:")) == 0)
        read_monitor(option, findings);
    else
        note_option(option, findings);
}

/* `object:S` and `uri:s` say what the argument is called. */
static char *only_argument(const CatalogEntry *entry)
{
    return strndup(entry->args_type, strcspn(entry->args_type, ":"));
}

/* Returns the groups of the HMP command with this value, or -1: it cannot be read. */
static int classify(const Option *option, GroupSet *ret)
{
    const CatalogEntry *entry = catalog_find(CHANNEL_HMP, option->hmp);
    CLEANUP(mem) char *name = entry ? only_argument(entry) : NULL;
    CLEANUP(json) json_object *arguments = json_object_new_object();
    CLEANUP(json) json_object *expanded = NULL;
    json_object *value = *option->value == '{'
                             ? json_strict_parse(option->value, strlen(option->value), NULL)
                             : json_object_new_string(option->value);

    if (!name || !arguments || !value || json_object_object_add(arguments, name, value) < 0) {
        json_object_put(value);
        return -1;
    }
    expanded = arguments_expand(entry, arguments, NULL);
    if (!expanded)
        return -1;
    *ret = catalog_classify(entry, CHANNEL_HMP, expanded).groups;
    return 0;
}

static GroupSet group_set(const char *name)
{
    const GroupInfo *group = group_find(name);

    return group ? group->set : 0;
}

/* What the same does at run time: the catalogue knows it. */
static void read_by_catalogue(const Option *option, FindingList *findings)
{
    Option found = *option;
    GroupSet groups = 0;

    found.kind = FINDING_ARGUMENT;
    if (classify(option, &groups) < 0)
        found.kind = FINDING_OPAQUE_OPTION;
    else if (groups & group_set("@host-exec"))
        found.kind = FINDING_HOST_EXEC;
    else if (groups & group_set("@monitor"))
        found.kind = FINDING_NETWORK_MONITOR;
    note_option(&found, findings);
}

/* `-incoming` in JSON names a program with the word exec. */
static void read_incoming(const Option *option, FindingList *findings)
{
    Option found = *option;

    if (*option->value != '{') {
        read_by_catalogue(option, findings);
        return;
    }
    found.kind = strstr(option->value, "exec") || strchr(option->value, '\\') ? FINDING_HOST_EXEC
                                                                              : FINDING_ARGUMENT;
    note_option(&found, findings);
}

static const OptionRow rows[] = {
    {"qmp", read_monitor, 0, NULL},
    {"qmp-pretty", read_monitor, 0, NULL},
    {"monitor", read_monitor, 0, NULL},
    {"mon", read_mon, 0, NULL},
    {"gdb", read_monitor, 0, NULL},
    {"s", read_s, 0, NULL},
    {"qtest", read_monitor, 0, NULL},
    {"serial", read_serial, FINDING_ARGUMENT, NULL},
    {"parallel", read_serial, FINDING_ARGUMENT, NULL},
    {"debugcon", read_serial, FINDING_ARGUMENT, NULL},
    {"readconfig", note_option, FINDING_OPAQUE_OPTION, NULL},
    {"set", note_option, FINDING_OPAQUE_OPTION, NULL},
    {"preconfig", note_option, FINDING_OPAQUE_OPTION, NULL},
    {"incoming", read_incoming, 0, "migrate_incoming"},
    {"netdev", read_by_catalogue, 0, "netdev_add"},
    {"nic", read_by_catalogue, 0, "netdev_add"},
    {"net", read_by_catalogue, 0, "netdev_add"},
    {"object", read_by_catalogue, 0, "object_add"},
    {"device", read_by_catalogue, 0, "device_add"},
    {"plugin", note_option, FINDING_HOST_EXEC, NULL},
    {"semihosting", note_option, FINDING_HOST_EXEC, NULL},
    {"semihosting-config", note_option, FINDING_HOST_EXEC, NULL},
    {"sandbox", note_option, FINDING_CONFINEMENT, NULL},
    {"runas", note_option, FINDING_CONFINEMENT, NULL},
    {"run-with", note_option, FINDING_CONFINEMENT, NULL},
    {"chroot", note_option, FINDING_CONFINEMENT, NULL},
    {"daemonize", note_option, FINDING_CONFINEMENT, NULL},
};

/* An option with its value behind a blank, unless that is an option itself. */
static char *make_text(const char *name, const char *value)
{
    bool has_value = *value && *value != '-';
    char *text = NULL;

    if (asprintf(&text, "-%s%s%s", name, has_value ? " " : "", has_value ? value : "") < 0)
        return NULL;
    return text;
}

static void read_option(const StringList *arguments, size_t index, const char *name,
                        FindingList *findings)
{
    static const OptionRow any = {NULL, note_option, FINDING_ARGUMENT, NULL};
    const OptionRow *row = &any;
    Option option = {.arguments = arguments, .value = qemu_option_value(arguments, index)};
    CLEANUP(mem) char *shown = make_text(name, "");
    CLEANUP(mem) char *text = make_text(name, option.value);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, name) == 0)
            row = &rows[i];
    }
    if (!shown || !text) {
        findings->failed = true;
        return;
    }
    option.name = shown;
    option.text = text;
    option.kind = row->kind;
    option.hmp = row->hmp;
    row->read(&option, findings);
}

void command_line_look(const StringList *arguments, FindingList *findings)
{
    bool is_value = false;

    for (size_t i = 0; i < arguments->count; i++) {
        const char *argument = arguments->items[i];
        CLEANUP(mem) char *name = qemu_option_name(argument);

        if (name)
            read_option(arguments, i, name, findings);
        else if (!is_value)
            finding_add(findings, FINDING_ARGUMENT, argument, "the argument opens a disk image");
        is_value = name != NULL;
    }
}

/* Ends in `*`: any variable that starts so. */
static const char *const code_variables[] = {
    "LD_*",    "GLIBC_TUNABLES",  "GCONV_PATH", "LOCPATH",   "PATH",
    "PYTHON*", "QEMU_MODULE_DIR", "GIO_*",      "GTK_*",     "GDK_PIXBUF_*",
    "GST_*",   "OPENSSL_*",       "GNUTLS_*",   "P11_KIT_*", "SASL_PATH",
    "ALSA_*",  "LADSPA_PATH",     "PIPEWIRE_*", "SPA_*",     "LIBGL_*",
    "LIBVA_*", "MESA_*",          "GALLIUM_*",  "GBM_*",     "VK_*",
    "__EGL_*", "__GLX_*",         "OCL_*",      "OPENCL_*",  "RDMAV_*",
    "IBV_*",   "MALLOC_*",
};

static bool loads_code(const char *name)
{
    for (size_t i = 0; i < sizeof(code_variables) / sizeof(code_variables[0]); i++) {
        const char *known = code_variables[i];
        size_t length = strlen(known);
        bool is_start = known[length - 1] == '*';

        if (is_start ? strncmp(known, name, length - 1) == 0 : strcmp(known, name) == 0)
            return true;
    }
    return false;
}

void environment_look(const StringList *names, FindingList *findings)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        FindingKind kind = loads_code(name) ? FINDING_CODE_ENVIRONMENT : FINDING_ENVIRONMENT;

        finding_add(findings, kind, name, "%s %s", name, finding_info(kind)->help);
    }
}
