/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admin.h"

#include "util/cleanup.h"
#include "util/user_name.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LOGIN_UID_PATH "/proc/self/loginuid"

#define ROOT "root"

/* Before the number of a user without a name; no name has a colon. */
#define NUMBER "uid:"

/* Also what a login uid is that nobody has set. */
#define NO_UID UINT32_MAX

/* NO_UID for what is no number of a user. */
static uint32_t parse_uid(const char *text)
{
    char *end;
    unsigned long long number;

    if (!text || !isdigit((unsigned char)*text))
        return NO_UID;
    errno = 0;
    number = strtoull(text, &end, 10);
    return errno || *end || number >= NO_UID ? NO_UID : (uint32_t)number;
}

static uint32_t login_uid(void)
{
    CLEANUP(file) FILE *file = fopen(LOGIN_UID_PATH, "re");
    char text[16];

    if (!file || !fgets(text, sizeof(text), file))
        return NO_UID;
    text[strcspn(text, "\n")] = '\0';
    return parse_uid(text);
}

bool admin_is_person(const char *name)
{
    return strcmp(name, ROOT) != 0 && strncmp(name, NUMBER, strlen(NUMBER)) != 0;
}

Admin admin_at_work(void)
{
    Admin admin = {.name = ROOT};
    uint32_t uid = login_uid();

    if (uid == NO_UID)
        uid = parse_uid(getenv("SUDO_UID"));
    if (uid == NO_UID || uid == 0)
        return admin;
    if (user_name_read(uid, admin.name, sizeof(admin.name)) < 0)
        snprintf(admin.name, sizeof(admin.name), NUMBER "%" PRIu32, uid);
    admin.is_known = admin_is_person(admin.name);
    return admin;
}
