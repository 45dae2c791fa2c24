/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "grants.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/qmp-guard-unit-XXXXXX";
char grants_directory[64];
char grants_path[80];

Grant grant_of(const char *command, uint32_t uses)
{
    Grant grant = {.uuid = GRANTS_UUID,
                   .domain = "demo",
                   .run = GRANTS_RUN,
                   .channel = CHANNEL_QMP,
                   .caller_kind = GRANT_ANYBODY,
                   .given = 1,
                   .expires = grant_clock() + 60000,
                   .uses = uses,
                   .reason = "a test",
                   .given_by = "root",
                   .state = GRANT_GIVEN,
                   .left = uses};

    assert_int_equal(grant_make_id(&grant), 0);
    snprintf(grant.command, sizeof(grant.command), "%s", command);
    return grant;
}

Grant grant_of_text(const Request *request, uint32_t uses)
{
    Grant grant = grant_of(request->operations[0].command, uses);
    GrantText text;

    grant_text_digest(request, &text);
    grant.channel = (int32_t)request->operations[0].channel;
    memcpy(grant.text, text.digest, sizeof(text.digest));
    return grant;
}

void grants_make_folder(void)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    snprintf(grants_directory, sizeof(grants_directory), "%s/guard", folder);
    snprintf(grants_path, sizeof(grants_path), "%s/grants", grants_directory);
}

void grants_empty(void)
{
    CLEANUP(mem) char *command = formatted("rm -rf %s/*", folder);

    assert_int_equal(system(command), 0);
}

void grants_remove_folder(void)
{
    CLEANUP(mem) char *command = formatted("rm -rf %s", folder);

    if (system(command) != 0)
        perror(folder);
}

void grants_add(Grant *grant)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    Reason why = {""};

    if (grant_store_add(&store, grant, grant_clock(), &why) < 0)
        fail_msg("%s", why.text);
    grant_store_close(&store);
}

/* All that are in the file; the caller frees them. */
static Grant *read_all(size_t *ret_count)
{
    GrantStore store = GRANT_STORE_INIT(grants_path);
    Reason why = {""};
    Grant *grants;

    if (grant_store_read(&store, NULL, &grants, ret_count, &why) < 0)
        fail_msg("%s", why.text);
    grant_store_close(&store);
    return grants;
}

Grant grants_find(const char *id)
{
    size_t count;
    CLEANUP(mem) Grant *grants = read_all(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(grants[i].id, id) == 0)
            return grants[i];
    }
    fail_msg("there is no grant %s", id);
    return (Grant){0};
}

size_t grants_count(void)
{
    size_t count;
    CLEANUP(mem) Grant *grants = read_all(&count);

    return count;
}
