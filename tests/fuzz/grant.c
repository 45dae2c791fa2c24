/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file of grants, whatever is in it: the first byte says whether the header is made good
 * behind the fuzzer, so that slots are reached. What is read is sound, and nothing is taken from
 * it twice.
 */
#include "fuzz.h"
#include "grant/grant_store.h"
#include "util/cleanup.h"

#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (4096 + 4 * GRANT_SLOT_SIZE)
#define NOW 1000

static char directory[] = "/tmp/fuzz-grant-XXXXXX";
static char path[sizeof(directory) + sizeof("/grants")];
static char header[4096]; /* as a store of this boot has it */

static void write_file(const uint8_t *bytes, size_t size, bool has_header)
{
    CLEANUP(file) FILE *file = fopen(path, "we");

    fuzz_must(file && chmod(path, 0600) == 0, "no file %s", path);
    if (has_header)
        fuzz_must(fwrite(header, sizeof(header), 1, file) == 1, "cannot write %s", path);
    fuzz_must(size == 0 || fwrite(bytes, size, 1, file) == 1, "cannot write %s", path);
}

/* A store that holds four grants, to take its header from. */
static void make_header(void)
{
    GrantStore store = GRANT_STORE_INIT(path);
    CLEANUP(file) FILE *file = NULL;

    for (int i = 0; i < 4; i++) {
        Grant grant = {.run = {1, 1},
                       .caller_kind = GRANT_ANYBODY,
                       .state = GRANT_GIVEN,
                       .uuid = "u",
                       .command = "stop",
                       .uses = 1,
                       .left = 1,
                       .expires = 2 * NOW};

        fuzz_must(grant_make_id(&grant) == 0 && grant_store_add(&store, &grant, NOW, NULL) == 0,
                  "cannot add a grant to %s", path);
    }
    grant_store_close(&store);
    file = fopen(path, "re");
    fuzz_must(file && fread(header, sizeof(header), 1, file) == 1, "cannot read %s", path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_must(mkdtemp(directory) != NULL, "no directory %s", directory);
    snprintf(path, sizeof(path), "%s/grants", directory);
    make_header();
    return 0;
}

static void check_grant(GrantStore *store, const Grant *grant)
{
    GrantTake take = {.grant = grant, .count = grant->left ? grant->left : 1};
    bool is_open = grant_is_open(grant, NOW);
    int taken;

    fuzz_must(grant_is_sound(grant), "an unsound grant was read");
    taken = grant_store_take(store, &take, 1, NOW, NULL);
    fuzz_must(taken == 0 || is_open, "a use of a grant that is not open");
    fuzz_must(taken != 1 || grant_store_take(store, &take, 1, NOW, NULL) == 0,
              "more uses than there were");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GrantStore store = GRANT_STORE_INIT(path);
    CLEANUP(mem) Grant *grants = NULL;
    CLEANUP(mem) Grant *expired = NULL;
    int64_t late = INT64_MAX;
    size_t count = 0;

    if (size == 0 || size > FILE_MAX)
        return -1;
    write_file(data + 1, size - 1, data[0] & 1);
    if (grant_store_read(&store, NULL, &grants, &count, NULL) == 0) {
        for (size_t i = 0; i < count; i++)
            check_grant(&store, &grants[i]);
        fuzz_must(grant_store_change(&store, grant_expire, &late, &expired, &count, NULL) == 0,
                  "a store that was read cannot be changed");
        for (size_t i = 0; i < count; i++)
            fuzz_must(!grant_is_open(&expired[i], NOW), "what has run out is open");
    }
    grant_store_close(&store);
    return 0;
}
