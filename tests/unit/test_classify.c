/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an operation is: by its name, by what its arguments make of it, and however it
 * is spelled. Each row stands beside its nearest like that is something else.
 */
#include "unit.h"

#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

typedef struct ClassRow {
    const char *name;
    Channel channel;
    const char *text; /* HMP: the line; otherwise NAME or NAME {ARGUMENTS} */
    CommandClass wanted;
    const char *in; /* groups it is in ... */
    const char *not_in; /* ... and is not in, separated by spaces */
} ClassRow;

#define QMP(name, text, class, in, not_in)                                                         \
    {                                                                                              \
        name, CHANNEL_QMP, text, CLASS_##class, in, not_in                                         \
    }
#define HMP(name, text, in, not_in)                                                                \
    {                                                                                              \
        name, CHANNEL_HMP, text, CLASS_DANGEROUS, in, not_in                                       \
    }
#define AGENT(name, text, class, in, not_in)                                                       \
    {                                                                                              \
        name, CHANNEL_AGENT, text, CLASS_##class, in, not_in                                       \
    }

static const ClassRow name_rows[] = {
    /* MAQET's nine, exactly; human-monitor-command is an HMP line. */
    HMP("dangerous 1", "info status", "@query @dangerous @known", "@safe"),
    QMP("dangerous 2", "inject-nmi", DANGEROUS, "@guest-power", "@host @privileged"),
    QMP("memory dump 1", "pmemsave", MEMORY_DUMP, "@guest-memory @host-file-write", "@host-net"),
    QMP("memory dump 2", "memsave", MEMORY_DUMP, "@guest-memory @host-file-write", "@host-net"),
    QMP("privileged 1", "system_powerdown", PRIVILEGED, "@guest-power", "@host"),
    QMP("privileged 2", "system_reset", PRIVILEGED, "@guest-power", "@host"),
    QMP("privileged 3", "quit", PRIVILEGED, "@guest-power", "@host"),
    QMP("privileged 4", "device_del", PRIVILEGED, "@hotplug", "@host"),
    QMP("privileged 5", "blockdev-del", PRIVILEGED, "@block", "@host"),
    QMP("kin of the dumps", "dump-guest-memory", MEMORY_DUMP, "@guest-memory", "@host-file-write"),
    QMP("safe", "query-status", SAFE, "@query @known", "@privileged @unknown"),
    QMP("unknown", "nonesuch", UNKNOWN, "@unknown", "@known @safe"),
    QMP("case counts", "Quit", UNKNOWN, "@unknown", "@known"),
    QMP("_ is not -", "query_status", UNKNOWN, "@unknown", "@known"),
    AGENT("known elsewhere", "quit", UNKNOWN, "@unknown", "@known"),
    AGENT("agent", "guest-exec", PRIVILEGED, "@agent-unrestricted", "@agent-confidential-safe"),
    AGENT("agent, safe", "guest-ping", SAFE, "@agent-frozen-safe", "@agent-unrestricted"),
    HMP("an unknown HMP line", "nonesuch", "@dangerous @unknown", "@known @safe"),
    HMP("alias", "q", "@guest-power @privileged", "@unknown"),
    HMP("HMP keeps the class it would be in", "pmemsave 0 1 x", "@memory-dump @dangerous", "@safe"),
};

static const ClassRow migrate_rows[] = {
    QMP("nowhere", "migrate", PRIVILEGED, "@migration", "@host"),
    QMP("a program", "migrate {\"uri\":\"exec:sh -c x\"}", DANGEROUS,
        "@migration @host-exec @dangerous", "@privileged @host-net"),
    QMP("an empty program", "migrate {\"uri\":\"exec:\"}", DANGEROUS, "@host-exec", ""),
    QMP("a host", "migrate {\"uri\":\"tcp:exec:1\"}", PRIVILEGED, "@host-net", "@host-exec"),
    QMP("a file", "migrate {\"uri\":\"file:/x\"}", PRIVILEGED, "@host-file-write", "@host-exec"),
    QMP("another argument", "migrate {\"x\":\"exec:x\"}", PRIVILEGED, "@migration", "@host-exec"),
    QMP("another command", "query-status {\"uri\":\"exec:x\"}", SAFE, "@query", "@host-exec"),
    QMP("channels to a program",
        "migrate {\"channels\":[{\"channel-type\":\"main\",\"addr\":{\"transport\":\"exec\","
        "\"args\":[\"/bin/sh\"]}}]}",
        DANGEROUS, "@host-exec", "@host-net"),
    QMP("the second channel to a program",
        "migrate {\"channels\":[{\"addr\":{\"transport\":\"socket\"}},"
        "{\"addr\":{\"transport\":\"exec\"}}]}",
        DANGEROUS, "@host-exec @host-net", ""),
    QMP("channels to a socket", "migrate {\"channels\":[{\"addr\":{\"transport\":\"socket\"}}]}",
        PRIVILEGED, "@host-net", "@host-exec"),
    QMP("no channels", "migrate {\"channels\":[]}", PRIVILEGED, "@migration", "@host-exec"),
    QMP("a channel that is none", "migrate {\"channels\":[null,1,\"exec\",{\"addr\":null}]}",
        PRIVILEGED, "@migration", "@host-exec"),
    QMP("from a program", "migrate-incoming {\"uri\":\"exec:x\"}", DANGEROUS, "@host-exec", ""),
    QMP("from a file", "migrate-incoming {\"uri\":\"file:/x\"}", PRIVILEGED, "@host-file-read",
        "@host-file-write"),
    HMP("HMP, a program", "migrate exec:x", "@host-exec", "@host-net"),
    HMP("HMP, a program in quotes", "migrate -d \"exec:x\"", "@host-exec", "@host-net"),
    HMP("HMP, a host", "migrate tcp:x:1", "@host-net", "@host-exec"),
    QMP("with storage", "migrate {\"uri\":\"tcp:x:1\",\"blk\":true}", PRIVILEGED, "@block", ""),
    QMP("without storage", "migrate {\"uri\":\"tcp:x:1\",\"blk\":false}", PRIVILEGED, "", "@block"),
};

/* Whatever opens a file of the host is seen, in every way that QEMU knows to name one. */
static const ClassRow block_rows[] = {
    QMP("a file", "blockdev-add {\"driver\":\"file\",\"filename\":\"/x\"}", PRIVILEGED,
        "@host-file-read @host-file-write", "@host-net"),
    QMP("a node that is there", "blockdev-add {\"driver\":\"raw\",\"file\":\"node0\"}", PRIVILEGED,
        "@block", "@host"),
    QMP("a file below", "blockdev-add {\"driver\":\"raw\",\"file\":{\"driver\":\"file\"}}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("a file in a list",
        "blockdev-add {\"driver\":\"quorum\",\"children\":[\"a\",{\"driver\":\"file\"}]}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("a host", "blockdev-add {\"driver\":\"nbd\",\"server\":{}}", PRIVILEGED, "@host-net",
        "@host-file-read"),
    QMP("medium, a file", "blockdev-change-medium {\"filename\":\"/x\"}", PRIVILEGED,
        "@host-file-read", "@host-net"),
    QMP("medium, a host", "blockdev-change-medium {\"filename\":\"nbd:h:1\"}", PRIVILEGED,
        "@host-net", "@host-file-read"),
    QMP("medium, json:",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"file\\\","
        "\\\"filename\\\":\\\"/x\\\"}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: of a host",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"nbd\\\"}\"}", PRIVILEGED,
        "@host-net", "@host-file-read"),
    QMP("medium, json: below",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"raw\\\","
        "\\\"file\\\":{\\\"driver\\\":\\\"file\\\"}}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    /* Run: QEMU 7.2 opens each of these files. */
    QMP("medium, json: without a driver below",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"raw\\\","
        "\\\"file\\\":{\\\"filename\\\":\\\"/x\\\"}}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: without a driver at all",
        "blockdev-change-medium {\"filename\":\"json:{\\\"file.filename\\\":\\\"/x\\\"}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: without a driver, of a host",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"raw\\\","
        "\\\"file\\\":{\\\"filename\\\":\\\"nbd:h:1\\\"}}\"}",
        PRIVILEGED, "@host-net", "@host-file-read"),
    QMP("target, json: without a driver",
        "drive-mirror {\"device\":\"d\",\"target\":\"json:{\\\"driver\\\":\\\"raw\\\","
        "\\\"file\\\":{\\\"filename\\\":\\\"/x\\\"}}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: with dots",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"raw\\\","
        "\\\"file.driver\\\":\\\"file\\\",\\\"file.filename\\\":\\\"/x\\\"}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: with dots in a list",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"quorum\\\","
        "\\\"children\\\":[{\\\"driver\\\":\\\"raw\\\",\\\"file.filename\\\":\\\"/x\\\"}]}\"}",
        PRIVILEGED, "@host-file-read", "@host-net"),
    QMP("medium, json: of a list of nodes",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"quorum\\\","
        "\\\"children\\\":[\\\"node0\\\"]}\"}",
        PRIVILEGED, "@block", "@host"),
    QMP("medium, json: inside json:",
        "blockdev-change-medium {\"filename\":\"json:{\\\"driver\\\":\\\"raw\\\",\\\"file\\\":"
        "{\\\"driver\\\":\\\"raw\\\",\\\"filename\\\":\\\"json:{\\\\\\\"driver\\\\\\\":"
        "\\\\\\\"nbd\\\\\\\"}\\\"}}\"}",
        PRIVILEGED, "@host-net", ""),
    HMP("change, a file", "change d /x", "@host-file-read @block @hotplug", "@credentials"),
    HMP("change, a password", "change vnc password x", "@credentials", "@host-file-read"),
    HMP("drive_add, a file", "drive_add 0 if=none,file=/x", "@host-file-read", "@host-net"),
    HMP("drive_add, a host", "drive_add 0 if=none,file=nbd:h:1", "@host-net", "@host-file-read"),
    HMP("drive_add, no file", "drive_add 0 if=none,media=cdrom", "@block", "@host"),
    HMP("drive_add, dots", "drive_add 0 if=none,file.driver=file,file.filename=/x",
        "@host-file-read", "@host-net"),
    HMP("drive_add, commas", "drive_add 0 if=none,file=/x,,driver=nbd", "@host-file-read",
        "@host-net"),
    HMP("drive_add, one comma", "drive_add 0 if=none,file=/x,driver=nbd",
        "@host-file-read @host-net", ""),
    HMP("drive_add, dots without a driver", "drive_add 0 if=none,file.filename=/x",
        "@host-file-read", "@host-net"),
    HMP("drive_add, a node without a driver", "drive_add -n 0 driver=raw,file.filename=/x",
        "@host-file-read", "@host-net"),
    /* Run: QEMU 7.2 opens the file in both orders. */
    HMP("drive_add, a file and more of it", "drive_add 0 if=none,file=/x,file.locking=off",
        "@host-file-read", "@host-net"),
    HMP("drive_add, more of a file and it", "drive_add 0 if=none,file.locking=off,file=/x",
        "@host-file-read", "@host-net"),
    HMP("drive_add, a file, its driver and more",
        "drive_add 0 file.driver=file,file=/x,file.locking=off", "@host-file-read", "@host-net"),
    HMP("drive_add, json:", "drive_add 0 \"file=json:{\\\"driver\\\":\\\"file\\\"}\"",
        "@host-file-read", "@host-net"),
};

static const ClassRow other_rows[] = {
    QMP("dump to a file", "dump-guest-memory {\"protocol\":\"file:/x\"}", MEMORY_DUMP,
        "@host-file-write", "@libvirt-state"),
    QMP("dump to a descriptor", "dump-guest-memory {\"protocol\":\"fd:x\"}", MEMORY_DUMP,
        "@libvirt-state", "@host-file-write"),
    QMP("netdev, a program as a forward",
        "netdev_add {\"type\":\"user\",\"guestfwd\":[{\"str\":\"tcp:1.1.1.1:1-cmd:sh\"}]}",
        DANGEROUS, "@host-exec", "@monitor"),
    QMP("netdev, a monitor as a forward",
        "netdev_add {\"type\":\"user\",\"guestfwd\":[{\"str\":\"tcp:1.1.1.1:1-mon:x\"}]}",
        DANGEROUS, "@monitor", "@host-exec"),
    QMP("netdev, user", "netdev_add {\"type\":\"user\"}", PRIVILEGED, "@host-net",
        "@host-exec @monitor"),
    HMP("netdev, a program as a forward", "netdev_add user,id=n,guestfwd=tcp:1.1.1.1:1-cmd:sh",
        "@host-exec", "@monitor"),
    HMP("netdev, the second forward",
        "netdev_add user,id=n,guestfwd=tcp:1:1-x,guestfwd=tcp:1:1-cmd:sh", "@host-exec", ""),
    HMP("netdev, a type that comes again", "netdev_add user,id=n,type=bridge", "@host-exec", ""),
    HMP("netdev, a switch that is called like a type", "netdev_add id=n,bridge", "@hotplug",
        "@host-exec"),
    HMP("netdev, user", "netdev_add user,id=n", "@host-net", "@host-exec @monitor"),
    QMP("netdev, scripts by default", "netdev_add {\"type\":\"tap\"}", DANGEROUS, "@host-exec", ""),
    QMP("netdev, no scripts", "netdev_add {\"type\":\"tap\",\"fd\":\"x\"}", PRIVILEGED, "@host-net",
        "@host-exec"),
    QMP("object, a monitor", "object-add {\"qom-type\":\"monitor-hmp\",\"id\":\"m\"}", DANGEROUS,
        "@monitor", "@host-exec"),
    QMP("object, a thread", "object-add {\"qom-type\":\"iothread\",\"id\":\"m\"}", PRIVILEGED,
        "@hotplug", "@monitor"),
    HMP("object, a monitor", "object_add monitor-hmp,id=m", "@monitor", "@host-exec"),
    HMP("object, a monitor, in JSON", "object_add {\"qom-type\":\"monitor-hmp\",\"id\":\"m\"}",
        "@monitor", "@host-exec"),
    HMP("object, a monitor, behind its name", "object_add id=m,qom-type=monitor-hmp", "@monitor",
        "@host-exec"),
    QMP("object, a secret from a file",
        "object-add {\"qom-type\":\"secret\",\"id\":\"s\",\"file\":\"/x\"}", PRIVILEGED,
        "@credentials @host-file-read", "@monitor"),
    QMP("object, a secret from a file, as in QEMU 5.2",
        "object-add {\"qom-type\":\"secret\",\"id\":\"s\",\"props\":{\"file\":\"/x\"}}", PRIVILEGED,
        "@credentials @host-file-read", "@monitor"),
    QMP("object, another with a file, as in QEMU 5.2",
        "object-add {\"qom-type\":\"iothread\",\"id\":\"s\",\"props\":{\"file\":\"/x\"}}",
        PRIVILEGED, "@hotplug", "@host-file-read"),
    QMP("object, a secret", "object-add {\"qom-type\":\"secret\",\"id\":\"s\",\"data\":\"x\"}",
        PRIVILEGED, "@credentials", "@host-file-read"),
    HMP("debugger", "gdbserver", "@monitor @debug", "@host-exec"),
    QMP("character device, a file",
        "chardev-add {\"id\":\"c\",\"backend\":{\"type\":\"file\",\"data\":{\"out\":\"/x\"}}}",
        PRIVILEGED, "@host-file-write", "@host-net"),
    QMP("character device, a log",
        "chardev-add {\"id\":\"c\",\"backend\":{\"type\":\"null\",\"data\":{\"logfile\":\"/x\"}}}",
        PRIVILEGED, "@host-file-write", "@host-net"),
    QMP("character device, none",
        "chardev-add {\"id\":\"c\",\"backend\":{\"type\":\"null\",\"data\":{}}}", PRIVILEGED,
        "@hotplug", "@host"),
    HMP("character device, a file", "chardev-add file,id=c,path=/x", "@host-file-write",
        "@host-net"),
    HMP("character device, none", "chardev-add null,id=c", "@hotplug", "@host"),
};

static GroupSet group(const char *name)
{
    const GroupInfo *info = group_find(name);

    if (!info)
        fail_msg("there is no group %s", name);
    return info->set;
}

static void check_groups(GroupSet groups, const char *names, bool wanted)
{
    CLEANUP(mem) char *copy = strdup(names);
    char *rest = copy;

    for (char *name = strsep(&rest, " "); name && *name; name = strsep(&rest, " ")) {
        if (!!(groups & group(name)) != wanted)
            fail_msg("is %sin %s", wanted ? "not " : "", name);
    }
}

static void test_class_row(void **state)
{
    const ClassRow *row = *state;
    Request *request = request_of_short(row->channel, row->text);
    Classification is = request->operations[0].is;

    request_free(request);
    assert_string_equal(class_name(is.command_class), class_name(row->wanted));
    check_groups(is.groups, row->in, true);
    check_groups(is.groups, row->not_in, false);
}

/* The same operation in two spellings: what the QMP form is in, the HMP form is in too. */
typedef struct SpellingRow {
    const char *name;
    const char *qmp;
    const char *hmp;
} SpellingRow;

static const SpellingRow spelling_rows[] = {
    {"migrate", "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:x\"}}", "migrate exec:x"},
    {"migrate_incoming", "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"exec:x\"}}",
     "migrate_incoming exec:x"},
    {"quit", "{\"execute\":\"quit\"}", "q"},
    {"nmi", "{\"execute\":\"inject-nmi\"}", "nmi"},
    {"pmemsave",
     "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":0,\"size\":16,\"filename\":\"/x\"}}",
     "pmemsave 0 16 \"/x\""},
    {"screendump", "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/x\"}}",
     "screendump /x"},
    {"info status", "{\"execute\":\"query-status\"}", "info status"},
    {"change of a medium",
     "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"device\":\"d\",\"filename\":\"/"
     "x\"}}",
     "change d /x"},
    {"change of a password",
     "{\"execute\":\"change-vnc-password\",\"arguments\":{\"password\":\"x\"}}",
     "change vnc password x"},
    {"netdev_add with a program",
     "{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"user\",\"id\":\"n\","
     "\"guestfwd\":[{\"str\":\"tcp:10.0.2.1:1-cmd:sh\"}]}}",
     "netdev_add user,id=n,guestfwd=tcp:10.0.2.1:1-cmd:sh"},
    {"netdev_add with a helper",
     "{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"bridge\",\"id\":\"n\"}}",
     "netdev_add bridge,id=n"},
    {"object_add of a monitor",
     "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"monitor-hmp\",\"id\":\"m\"}}",
     "object_add monitor-hmp,id=m"},
};

static void test_spelling_row(void **state)
{
    const SpellingRow *row = *state;
    Request *qmp = request_of(CHANNEL_QMP, row->qmp);
    Request *hmp = request_of(CHANNEL_HMP, row->hmp);
    GroupSet classes = group("@safe") | group("@privileged") | group("@memory-dump") |
                       group("@dangerous");
    GroupSet missing = qmp->operations[0].is.groups & ~hmp->operations[0].is.groups & ~classes;
    size_t count;
    const GroupInfo *groups = group_list(&count);

    request_free(qmp);
    request_free(hmp);
    for (size_t g = 0; g < count; g++) {
        if (groups[g].set & missing)
            fail_msg("'%s' is not in %s, as its QMP form is", row->hmp, groups[g].name);
    }
}

typedef struct RefusedRow {
    const char *name;
    Channel channel;
    const char *text;
    const char *because;
} RefusedRow;

/* Texts inside texts that QEMU would read otherwise than the guard. */
static const RefusedRow refused_rows[] = {
    {"json: that is no JSON", CHANNEL_QMP,
     "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"filename\":\"json:{x\"}}", "JSON"},
    {"json: in single quotes", CHANNEL_QMP,
     "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"filename\":\"json:{'driver':'file'}"
     "\"}}",
     "JSON"},
    {"json: with a key twice", CHANNEL_QMP,
     "{\"execute\":\"blockdev-change-medium\",\"arguments\":{\"filename\":"
     "\"json:{\\\"driver\\\":\\\"raw\\\",\\\"driver\\\":\\\"file\\\"}\"}}",
     "twice"},
    {"json: in an action", CHANNEL_QMP,
     "{\"execute\":\"transaction\",\"arguments\":{\"actions\":[{\"type\":\"drive-backup\",\"data\":"
     "{\"target\":\"json:{x\"}}]}}",
     "JSON"},
    {"object in single quotes", CHANNEL_HMP, "object_add {'qom-type':'secret','id':'s'}", "JSON"},
    {"object with a key twice", CHANNEL_HMP, "object_add {\"id\":\"a\",\"id\":\"b\"}", "twice"},
    /* Only object_add reads JSON: to the others it is a strange option string. */
    {"netdev in JSON", CHANNEL_HMP, "netdev_add {\"type\":\"user\",\"id\":\"n\"}", ""},
    {"device in JSON", CHANNEL_HMP, "device_add {\"driver\":\"x\",\"id\":\"n\"}", ""},
};

static void test_refused_row(void **state)
{
    const RefusedRow *row = *state;
    Reason why = {""};
    Request *request = request_parse(row->channel, row->text, strlen(row->text), &why);

    if (request)
        fail_msg("'%s' is taken", row->text);
    assert_has_word(why.text, row->because);
    assert_string_not_equal(why.text, "");
}

/* json: names in one another, @depth in all. */
static char *nested_names(int depth)
{
    CLEANUP(json) json_object *object = json_object_new_object();
    char *text;

    json_object_object_add(object, "driver", json_object_new_string("nbd"));
    text = formatted("json:%s", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
    for (int i = 1; i < depth; i++) {
        CLEANUP(json) json_object *outer = json_object_new_object();

        json_object_object_add(outer, "filename", json_object_new_string(text));
        free(text);
        text = formatted("json:%s", json_object_to_json_string_ext(outer, JSON_C_TO_STRING_PLAIN));
    }
    return text;
}

static Request *parse_medium(const char *filename, Reason *why)
{
    CLEANUP(json)
    json_object *document = json_tokener_parse("{\"execute\":"
                                               "\"blockdev-change-medium\"}");
    json_object *arguments = json_object_new_object();
    const char *text;

    json_object_object_add(document, "arguments", arguments);
    json_object_object_add(arguments, "filename", json_object_new_string(filename));
    text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
    return request_parse(CHANNEL_QMP, text, strlen(text), why);
}

static void test_nested_names(void **state)
{
    CLEANUP(mem) char *deepest = nested_names(4);
    CLEANUP(mem) char *deeper = nested_names(5);
    Reason why = {""};
    Request *request = parse_medium(deepest, &why);

    (void)state;
    assert_non_null(request);
    assert_true(request->operations[0].is.groups & group("@host-net"));
    request_free(request);
    assert_null(parse_medium(deeper, &why));
    assert_has_word(why.text, "too deep");
}

/* What is forwarded is what the client wrote: only the judgement looks inside. */
static void test_expansion_is_not_forwarded(void **state)
{
    static const char text[] = "{\"execute\":\"blockdev-change-medium\",\"arguments\":"
                               "{\"filename\":\"json:{\\\"driver\\\":\\\"file\\\"}\"}}";
    Request *request = request_of(CHANNEL_QMP, text);

    (void)state;
    assert_string_equal(request->text, text);
    assert_json(request->operations[0].arguments,
                "{\"filename\":\"json:{\\\"driver\\\":\\\"file\\\"}\"}");
    request_free(request);
}

/* To the agent a text is a text. */
static void test_agent_has_no_names(void **state)
{
    (void)state;
    request_free(request_of(CHANNEL_AGENT, "{\"execute\":\"guest-file-open\",\"arguments\":"
                                           "{\"path\":\"json:{x\"}}"));
}

int main(void)
{
    UNIT_ADD_ROWS(name_rows, test_class_row);
    UNIT_ADD_ROWS(migrate_rows, test_class_row);
    UNIT_ADD_ROWS(block_rows, test_class_row);
    UNIT_ADD_ROWS(other_rows, test_class_row);
    UNIT_ADD_ROWS(spelling_rows, test_spelling_row);
    UNIT_ADD_ROWS(refused_rows, test_refused_row);
    unit_add("json: inside json:", test_nested_names, NULL);
    unit_add("the expansion is not forwarded", test_expansion_is_not_forwarded, NULL);
    unit_add("json: on the agent channel", test_agent_has_no_names, NULL);
    return unit_run("classify");
}
