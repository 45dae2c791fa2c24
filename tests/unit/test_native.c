/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* native.table: which of libvirt's permissions a command stands for. */
#include "unit.h"

#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one operation wants, as JSON; the text is as in request_of_short(). */
typedef struct NativeRow {
    const char *text;
    Channel channel;
    const char *wanted;
} NativeRow;

static const NativeRow rows[] = {
    {"inject-nmi", CHANNEL_QMP, "[\"inject_nmi\"]"},
    {"nmi", CHANNEL_HMP, "[\"inject_nmi\"]"},
    {"pmemsave {\"val\":0,\"size\":1,\"filename\":\"/tmp/x\"}", CHANNEL_QMP,
     "[\"core_dump\",\"mem_read\"]"},
    {"xp /1x 0", CHANNEL_HMP, "[\"core_dump\",\"mem_read\"]"},
    {"dump-guest-memory {\"paging\":false,\"protocol\":\"file:/tmp/x\"}", CHANNEL_QMP,
     "[\"core_dump\"]"},
    {"quit", CHANNEL_QMP, "[\"stop\"]"},
    {"stop", CHANNEL_QMP, "[\"suspend\"]"},
    {"cont", CHANNEL_QMP, "[\"suspend\"]"},
    {"c", CHANNEL_HMP, "[\"suspend\"]"},
    {"system_reset", CHANNEL_QMP, "[\"reset\"]"},
    {"system_powerdown", CHANNEL_QMP, "[\"init_control\"]"},
    {"screendump {\"filename\":\"/tmp/x\"}", CHANNEL_QMP, "[\"screenshot\"]"},
    {"sendkey a", CHANNEL_HMP, "[\"send_input\"]"},
    {"query-status", CHANNEL_QMP, "[\"read\"]"},
    {"query-name", CHANNEL_QMP, "[\"getattr\",\"read\"]"},
    {"info status", CHANNEL_HMP, "[\"read\"]"},
    {"guest-set-user-password {\"username\":\"u\",\"password\":\"\",\"crypted\":false}",
     CHANNEL_AGENT, "[\"set_password\"]"},
    {"guest-fstrim", CHANNEL_AGENT, "[\"fs_trim\"]"},
    {"guest-get-fsinfo", CHANNEL_AGENT, "[\"write\",\"fs_freeze\"]"},

    /* libvirt has no such call */
    {"qom-set {\"path\":\"/\",\"property\":\"x\",\"value\":1}", CHANNEL_QMP, "[]"},
    {"object-add {\"qom-type\":\"iothread\",\"id\":\"x\"}", CHANNEL_QMP, "[]"},
    {"getfd {\"fdname\":\"x\"}", CHANNEL_QMP, "[]"},
    {"x-query-numa", CHANNEL_QMP, "[]"},
    {"guest-exec {\"path\":\"/bin/true\"}", CHANNEL_AGENT, "[]"},
    {"x-nonesuch", CHANNEL_QMP, "[]"},
    {"human-monitor-command {\"command-line\":\"info qtree\"}", CHANNEL_QMP, "[]"},
    {"human-monitor-command {\"command-line\":\"stop\"}", CHANNEL_QMP, "[\"suspend\"]"},
    {"info qtree", CHANNEL_HMP, "[]"},
    {"info stats vm", CHANNEL_HMP, "[]"}, /* half of what it equals */

    /* the same command, with other arguments */
    {"migrate {\"uri\":\"tcp:host:1\"}", CHANNEL_QMP, "[\"migrate\"]"},
    {"migrate {\"uri\":\"exec:cat\"}", CHANNEL_QMP, "[]"},
    {"migrate -d tcp:host:1", CHANNEL_HMP, "[\"migrate\"]"},
    {"migrate \"exec:cat\"", CHANNEL_HMP, "[]"},
    {"netdev_add {\"type\":\"user\",\"id\":\"n\"}", CHANNEL_QMP, "[\"write\"]"},
    {"netdev_add {\"type\":\"tap\",\"id\":\"n\",\"script\":\"/x\"}", CHANNEL_QMP, "[]"},
    {"chardev-add {\"id\":\"c\",\"backend\":{\"type\":\"null\",\"data\":{}}}", CHANNEL_QMP,
     "[\"write\"]"},
    {"chardev-add c,backend=null,mux=on", CHANNEL_HMP, "[\"write\"]"},
};

static void test_row(void **state)
{
    const NativeRow *row = *state;
    Request *request = request_of_short(row->channel, row->text);
    const Operation *operation = &request->operations[0];
    NativeSet native = catalog_native(operation->entry, operation->is.groups);
    CLEANUP(json) json_object *names = native_name_list(native);

    assert_json(names, row->wanted);
    request_free(request);
}

static GroupSet group(const char *name)
{
    const GroupInfo *info = group_find(name);

    if (!info)
        fail_msg("there is no group %s", name);
    return info->set;
}

/* Whatever a command is by its name: with these groups there is no libvirt call for it. */
static void test_groups_without_equivalent(void **state)
{
    size_t count;
    const CatalogEntry *entries = catalog_list(&count);
    size_t listed = 0;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        GroupSet groups = entries[i].groups;

        assert_int_equal(catalog_native(&entries[i], groups | group("@host-exec")), 0);
        assert_int_equal(catalog_native(&entries[i], groups | group("@monitor")), 0);
        listed += catalog_native(&entries[i], groups) != 0;
    }
    assert_true(listed > 150);
    assert_int_equal(catalog_native(NULL, 0), 0);
}

static void test_names(void **state)
{
    unsigned count = 0;
    CLEANUP(json) json_object *none = native_name_list(0);
    CLEANUP(json) json_object *all = native_name_list(UINT64_MAX);

    (void)state;
    for (; native_name(count); count++) {
        CLEANUP(json) json_object *one = native_name_list((NativeSet)1 << count);

        assert_int_equal(json_object_array_length(one), 1);
        assert_string_equal(json_object_get_string(json_object_array_get_idx(one, 0)),
                            native_name(count));
        assert_int_equal(strspn(native_name(count), "abcdefghijklmnopqrstuvwxyz_"),
                         strlen(native_name(count)));
        for (unsigned other = 0; other < count; other++)
            assert_string_not_equal(native_name(other), native_name(count));
    }
    assert_true(count <= 64);
    assert_null(native_name(64));
    assert_null(native_name(UINT32_MAX));
    assert_int_equal(json_object_array_length(none), 0);
    assert_int_equal(json_object_array_length(all), count);
}

/* What is enough for all of the QMP commands in @equals, `NAME(...)+NAME(...)`. */
static NativeSet enough_for_all(const char *equals)
{
    NativeSet enough = UINT64_MAX;

    while (*equals && !strchr(" |\n", *equals)) {
        CLEANUP(mem) char *name = strndup(equals, strcspn(equals, "("));
        const CatalogEntry *qmp = catalog_find(CHANNEL_QMP, name);

        if (!qmp)
            fail_msg("there is no '%s'", name);
        enough &= qmp->native;
        equals += strcspn(equals, ")");
        equals += strspn(equals, ")+");
    }
    return enough;
}

static void test_hmp_is_as_qmp(void **state)
{
    FILE *file = fopen(*state, "re");
    CLEANUP(mem) char *line = NULL;
    size_t size = 0;
    size_t count = 0;
    char name[64];

    assert_non_null(file);
    while (getline(&line, &size, file) >= 0) {
        const char *equals = strstr(line, "equals=");
        const CatalogEntry *hmp;

        if (*line == '#' || !equals || sscanf(line, "hmp | %63[^|]", name) != 1)
            continue;
        while (*name && name[strlen(name) - 1] == ' ')
            name[strlen(name) - 1] = '\0';
        hmp = catalog_find(CHANNEL_HMP, name);
        if (!hmp || hmp->native != enough_for_all(equals + strlen("equals=")))
            fail_msg("'%s' wants other permissions than what it equals", name);
        count++;
    }
    fclose(file);
    assert_true(count > 80);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    UNIT_ADD_ROWS(rows, test_row);
    unit_add("groups without an equivalent", test_groups_without_equivalent, NULL);
    unit_add("names", test_names, NULL);
    unit_add("HMP commands are as those they equal", test_hmp_is_as_qmp, argv[1]);
    return unit_run("native");
}
