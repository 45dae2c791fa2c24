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
    const char *hmp; /* of its row, as the next two */
    const char *qmp;
    FindingKind kind;
} Option;

typedef void (*OptionReader)(const Option *option, FindingList *findings);

typedef struct OptionRow {
    const char *name;
    OptionReader read;
    FindingKind kind; /* what note_option() adds */
    const char *hmp; /* what read_by_catalogue() asks the catalogue about ... */
    const char *qmp; /* ... and when the value is JSON */
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
    Chardev chardev = {0};
    QemuOptions options;
    const char *id;

    qemu_options_read(option->value, "chardev", &options);
    id = options.is_odd ? NULL : qemu_options_get(&options, "chardev");
    if (id)
        chardev_from_id(option->arguments, id, &chardev);
    note_monitor(option, &chardev, findings);
    chardev_clear(&chardev);
    qemu_options_clear(&options);
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

/* The arguments of the QMP command, which JSON is, or those of the HMP command. */
static json_object *option_arguments(const Option *option, const CatalogEntry *entry, bool is_json)
{
    CLEANUP(mem) char *name = NULL;
    CLEANUP(json) json_object *arguments = NULL;
    json_object *value;

    if (is_json)
        return json_strict_parse(option->value, strlen(option->value), NULL);
    name = only_argument(entry);
    arguments = json_object_new_object();
    value = json_object_new_string(option->value);
    if (!name || !arguments || !value || json_object_object_add(arguments, name, value) < 0) {
        json_object_put(value);
        return NULL;
    }
    return steal_pointer(&arguments);
}

/* The groups of the command that takes the same value. Returns -1: it cannot be read. */
static int classify(const Option *option, GroupSet *ret)
{
    bool is_json = *option->value == '{';
    Channel channel = is_json ? CHANNEL_QMP : CHANNEL_HMP;
    const CatalogEntry *entry = catalog_find(channel, is_json ? option->qmp : option->hmp);
    CLEANUP(json)
    json_object *arguments = entry ? option_arguments(option, entry, is_json) : NULL;
    CLEANUP(json) json_object *expanded = NULL;

    if (!arguments)
        return -1;
    expanded = arguments_expand(entry, arguments, NULL);
    if (!expanded)
        return -1;
    *ret = catalog_classify(entry, channel, expanded).groups;
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

/* A program is named with the word exec, in a URI, in JSON and in dotted keys. */
static void read_incoming(const Option *option, FindingList *findings)
{
    Option found = *option;

    found.kind = strstr(option->value, "exec") || strchr(option->value, '\\') ? FINDING_HOST_EXEC
                                                                              : FINDING_ARGUMENT;
    note_option(&found, findings);
}

static const OptionRow rows[] = {
    {"qmp", read_monitor, 0, NULL, NULL},
    {"qmp-pretty", read_monitor, 0, NULL, NULL},
    {"monitor", read_monitor, 0, NULL, NULL},
    {"mon", read_mon, 0, NULL, NULL},
    {"gdb", read_monitor, 0, NULL, NULL},
    {"s", read_s, 0, NULL, NULL},
    {"qtest", read_monitor, 0, NULL, NULL},
    {"serial", read_serial, FINDING_ARGUMENT, NULL, NULL},
    {"parallel", read_serial, FINDING_ARGUMENT, NULL, NULL},
    {"debugcon", read_serial, FINDING_ARGUMENT, NULL, NULL},
    {"readconfig", note_option, FINDING_OPAQUE_OPTION, NULL, NULL},
    {"set", note_option, FINDING_OPAQUE_OPTION, NULL, NULL},
    {"preconfig", note_option, FINDING_OPAQUE_OPTION, NULL, NULL},
    {"incoming", read_incoming, 0, NULL, NULL},
    {"netdev", read_by_catalogue, 0, "netdev_add", "netdev_add"},
    {"nic", read_by_catalogue, 0, "netdev_add", "netdev_add"},
    {"net", read_by_catalogue, 0, "netdev_add", "netdev_add"},
    {"object", read_by_catalogue, 0, "object_add", "object-add"},
    {"device", read_by_catalogue, 0, "device_add", "device_add"},
    {"plugin", note_option, FINDING_HOST_EXEC, NULL, NULL},
    {"semihosting", note_option, FINDING_HOST_EXEC, NULL, NULL},
    {"semihosting-config", note_option, FINDING_HOST_EXEC, NULL, NULL},
    {"sandbox", note_option, FINDING_CONFINEMENT, NULL, NULL},
    {"runas", note_option, FINDING_CONFINEMENT, NULL, NULL},
    {"run-with", note_option, FINDING_CONFINEMENT, NULL, NULL},
    {"chroot", note_option, FINDING_CONFINEMENT, NULL, NULL},
    {"daemonize", note_option, FINDING_CONFINEMENT, NULL, NULL},
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
    static const OptionRow any = {NULL, note_option, FINDING_ARGUMENT, NULL, NULL};
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
    option.qmp = row->qmp;
    row->read(&option, findings);
}

/* @is_value: it may be the value of the option before it; then that of this one. */
static void look_at_argument(const StringList *arguments, size_t index, bool *is_value,
                             FindingList *findings)
{
    const char *argument = arguments->items[index];
    bool is_option = qemu_is_option(argument);
    CLEANUP(mem) char *name = is_option ? qemu_option_name(argument) : NULL;

    if (name)
        read_option(arguments, index, name, findings);
    else if (is_option)
        findings->failed = true;
    else if (!*is_value)
        finding_add(findings, FINDING_ARGUMENT, argument, "the argument opens a disk image");
    *is_value = is_option;
}

void command_line_look(const StringList *arguments, FindingList *findings)
{
    bool is_value = false;

    for (size_t i = 0; i < arguments->count && !findings->failed; i++)
        look_at_argument(arguments, i, &is_value, findings);
}

/*
 * What libvirt gives every QEMU, on a descriptor; the second since QEMU 11.1. A domain has none
 * of its own of that id: with two QEMU does not start.
 */
static const char *const libvirt_monitors[] = {
    "-mon chardev=charmonitor,id=monitor,mode=control",
    "-object {\"qom-type\":\"monitor-qmp\",\"id\":\"monitor\",\"chardev\":\"charmonitor\"}",
};

static bool is_libvirts(const StringList *arguments, const Finding *finding)
{
    bool is_spelt_so = false;
    bool is_descriptor;
    Chardev chardev;

    for (size_t i = 0; i < sizeof(libvirt_monitors) / sizeof(libvirt_monitors[0]); i++)
        is_spelt_so = is_spelt_so || strcmp(finding->value, libvirt_monitors[i]) == 0;
    if (!is_spelt_so)
        return false;
    chardev_from_id(arguments, "charmonitor", &chardev);
    is_descriptor = chardev.reach == REACH_OTHER;
    chardev_clear(&chardev);
    return is_descriptor;
}

static bool is_monitor(const Finding *finding)
{
    static const FindingKind kinds[] = {FINDING_NETWORK_MONITOR, FINDING_TLS_MONITOR,
                                        FINDING_UNIX_MONITOR, FINDING_OTHER_MONITOR};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (finding->kind == kinds[i])
            return true;
    }
    return false;
}

void command_line_look_for_monitors(const StringList *arguments, FindingList *findings)
{
    bool is_value = false;

    for (size_t i = 0; i < arguments->count && !findings->failed; i++) {
        size_t before = findings->count;

        look_at_argument(arguments, i, &is_value, findings);
        /* A large domain has more arguments than there is room for findings. */
        if (findings->count > before && (!is_monitor(&findings->items[before]) ||
                                         is_libvirts(arguments, &findings->items[before])))
            finding_list_cut(findings, before);
    }
}

/* Ends in `*`: any variable that starts so. */
static const char *const code_variables[] = {
    "LD_*",         "GLIBC_TUNABLES", "GCONV_PATH",      "LOCPATH",
    "PATH",         "PYTHON*",        "QEMU_MODULE_DIR", "GIO_*",
    "GTK*",         "HOME",           "XDG_*",           "BASH_ENV",
    "SDL_*",        "PULSE_*",        "LIBDECOR_*",      "VDPAU_*",
    "KRB5_*",       "CEPH_*",         "RENDER_SERVER_*", "VIRGL_*",
    "GDK_PIXBUF_*", "GST_*",          "OPENSSL_*",       "GNUTLS_*",
    "P11_KIT_*",    "SASL_PATH",      "ALSA_*",          "LADSPA_PATH",
    "PIPEWIRE_*",   "SPA_*",          "LIBGL_*",         "LIBVA_*",
    "MESA_*",       "GALLIUM_*",      "GBM_*",           "VK_*",
    "__EGL_*",      "__GLX_*",        "OCL_*",           "OPENCL_*",
    "RDMAV_*",      "IBV_*",          "MALLOC_*",
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
    for (size_t i = 0; i < names->count && !findings->failed; i++) {
        const char *name = names->items[i];
        FindingKind kind = loads_code(name) ? FINDING_CODE_ENVIRONMENT : FINDING_ENVIRONMENT;

        finding_add(findings, kind, name, "%s %s", name, finding_info(kind)->help);
    }
}
