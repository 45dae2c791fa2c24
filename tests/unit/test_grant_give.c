/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a grant and taking it back: what is on record, and what is there, when something fails. */
#include "unit.h"

#include "grant/grant_give.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The tests share a directory, which main() takes away; each starts with it empty. */
static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
static char trail_path[64];
static char head_path[96];
static char store_folder[64];
static char store_path[96];

static GrantStore store;
static Trail trail;
static const GrantDesk desk = {.store = &store, .trail = &trail};

static void empty_folder(void)
{
    unlink(trail_path);
    rmdir(trail_path);
    unlink(head_path);
    unlink(store_path);
    rmdir(store_folder);
    unlink(store_folder);
}

static void start(void)
{
    empty_folder();
    store = (GrantStore)GRANT_STORE_INIT(store_path);
    trail = (Trail){.path = trail_path,
                    .head_path = head_path,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .records.fd = -1,
                    .head.fd = -1};
}

static void finish(void)
{
    grant_store_close(&store);
    trail_close(&trail);
    empty_folder();
}

static Grant grant_of(const char *text)
{
    Request *request = request_of(CHANNEL_QMP, text);
    Grant grant = {.uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809",
                   .domain = "demo",
                   .run = {.pid = 1, .started = 1},
                   .caller_kind = GRANT_USER,
                   .caller = "alice",
                   .uses = 2,
                   .reason = "a test",
                   .given_by = "root"};

    grant_set_text(&grant, request);
    request_free(request);
    return grant;
}

/* The steps on record, each followed by a blank: `given revoked `. */
static char *recorded_steps(void)
{
    CLEANUP(file) FILE *file = fopen(trail_path, "re");
    CLEANUP(mem) char *line = NULL;
    char *steps = formatted("%s", "");
    size_t space = 0;

    while (file && getline(&line, &space, file) > 0) {
        CLEANUP(json) json_object *object = json_tokener_parse(line);
        CLEANUP(mem) char *before = steps;

        steps = formatted("%s%s ", before,
                          json_object_get_string(json_object_object_get(object, "step")));
    }
    return steps;
}

static void check(const char *steps, size_t open)
{
    CLEANUP(mem) char *found = recorded_steps();
    CLEANUP(mem) Grant *grants = NULL;
    size_t count = 0;
    size_t n_open = 0;

    assert_int_equal(grant_store_read(&store, NULL, &grants, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        n_open += grant_is_open(&grants[i], grant_clock());
    assert_string_equal(found, steps);
    assert_int_equal(n_open, open);
}

static void given_and_revoked(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    Grant other = grant_of("{\"execute\":\"stop\"}");
    Reason why = {""};

    assert_int_equal(grant_give(&desk, &grant, 30, &why), 0);
    assert_int_equal(grant_give(&desk, &other, 30, &why), 0);
    check("given given ", 2);
    assert_string_equal(grant.command, "inject-nmi");
    assert_string_not_equal(grant.text, other.text);
    assert_true(grant.expires - grant_clock() > 29000 && grant.expires - grant_clock() <= 30000);
    assert_int_equal(grant_revoke(&desk, "nosuchid", "root", &why), 0);
    assert_int_equal(grant_revoke(&desk, grant.id, "root", &why), 1);
    check("given given revoked ", 1);
    assert_int_equal(grant_revoke(&desk, grant.id, "root", &why), 0);
    check("given given revoked ", 1);
}

static void spent_is_not_revoked(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    GrantTake take = {.grant = &grant, .count = 2};
    Reason why = {""};

    assert_int_equal(grant_give(&desk, &grant, 30, &why), 0);
    assert_int_equal(grant_store_take(&store, &take, 1, grant_clock(), &why), 1);
    assert_int_equal(grant_revoke(&desk, grant.id, "root", &why), 0);
    check("given ", 0);
}

/* One of which something is left is taken back with what is left. */
static void half_spent_is_revoked(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    GrantTake take = {.grant = &grant, .count = 1};
    Reason why = {""};

    assert_int_equal(grant_give(&desk, &grant, 30, &why), 0);
    assert_int_equal(grant_store_take(&store, &take, 1, grant_clock(), &why), 1);
    assert_int_equal(grant_revoke(&desk, grant.id, "root", &why), 1);
    check("given revoked ", 0);
}

static void not_without_a_record(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    Reason why = {""};

    assert_int_equal(mkdir(trail_path, 0700), 0);
    assert_int_equal(grant_give(&desk, &grant, 30, &why), -1);
    assert_has_word(why.text, trail_path);
    check("", 0);
}

static void recorded_when_it_is_not_kept(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    Reason why = {""};
    CLEANUP(fd) int fd = open(store_folder, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(grant_give(&desk, &grant, 30, &why), -1);
    assert_has_word(why.text, store_folder);
    unlink(store_folder);
    check("given failed ", 0);
}

typedef struct BoundsRow {
    const char *name;
    uint32_t uses;
    int64_t seconds;
    int wanted;
} BoundsRow;

static const BoundsRow bounds_rows[] = {
    {"the least", 1, 1, 0},
    {"the most", GRANT_USES_MAX, GRANT_SECONDS_MAX, 0},
    {"no use", 0, 1, -1},
    {"too many uses", GRANT_USES_MAX + 1, 1, -1},
    {"no time", 1, 0, -1},
    {"time that ran backwards", 1, -1, -1},
    {"too long", 1, GRANT_SECONDS_MAX + 1, -1},
};

static void test_bounds(void **state)
{
    const BoundsRow *row = *state;
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    Reason why = {""};

    start();
    grant.uses = row->uses;
    assert_int_equal(grant_give(&desk, &grant, row->seconds, &why), row->wanted);
    check(row->wanted == 0 ? "given " : "", row->wanted == 0);
    finish();
}

static void incomplete(void)
{
    Grant grant = grant_of("{\"execute\":\"inject-nmi\"}");
    Reason why = {""};

    grant.caller_kind = GRANT_NOBODY;
    assert_int_equal(grant_give(&desk, &grant, 30, &why), -1);
    check("", 0);
}

typedef struct StoryRow {
    const char *name;
    void (*run)(void);
} StoryRow;

static void test_story(void **state)
{
    const StoryRow *row = *state;

    start();
    row->run();
    finish();
}

static const StoryRow story_rows[] = {
    {"given and revoked", given_and_revoked},
    {"what is spent is not revoked", spent_is_not_revoked},
    {"what is half spent is", half_spent_is_revoked},
    {"none without a record", not_without_a_record},
    {"on record when it is not kept", recorded_when_it_is_not_kept},
    {"not a grant for nobody", incomplete},
};

int main(void)
{
    int failed;

    if (!mkdtemp(folder))
        return 1;
    snprintf(trail_path, sizeof(trail_path), "%s/audit.log", folder);
    snprintf(head_path, sizeof(head_path), "%s.head", trail_path);
    snprintf(store_folder, sizeof(store_folder), "%s/run", folder);
    snprintf(store_path, sizeof(store_path), "%s/grants", store_folder);
    UNIT_ADD_ROWS(story_rows, test_story);
    UNIT_ADD_ROWS(bounds_rows, test_bounds);
    failed = unit_run("grant_give");
    rmdir(folder);
    return failed;
}
