/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "chardev.h"

#include "qemu_arguments.h"
#include "util/cleanup.h"

#include <string.h>

/* A device whose other end has this backend; `socket` is looked at more closely. */
typedef struct BackendRow {
    const char *name;
    Reach reach;
} BackendRow;

/* `vc` and SPICE's are reached through the display: by the network, for all that is known. */
static const BackendRow backends[] = {
    {"file", REACH_OTHER},    {"pipe", REACH_OTHER},      {"pty", REACH_OTHER},
    {"stdio", REACH_OTHER},   {"serial", REACH_OTHER},    {"tty", REACH_OTHER},
    {"console", REACH_OTHER}, {"parallel", REACH_OTHER},  {"parport", REACH_OTHER},
    {"braille", REACH_OTHER}, {"wctablet", REACH_NOBODY}, {"msmouse", REACH_NOBODY},
    {"null", REACH_NOBODY},   {"testdev", REACH_NOBODY},  {"ringbuf", REACH_NOBODY},
    {"memory", REACH_NOBODY},
};

/* The short forms: the word in front of the colon, or the whole text. */
static const BackendRow short_forms[] = {
    {"file:", REACH_OTHER}, {"pipe:", REACH_OTHER}, {"con:", REACH_OTHER},
    {"COM", REACH_OTHER},   {"/dev/", REACH_OTHER},
};

/* What makes a TLS server ask who is there. */
typedef struct TlsSearch {
    const char *id;
    bool is_credentials; /* else the authorization object */
} TlsSearch;

static bool is_off(const char *value)
{
    return value && (strcmp(value, "off") == 0 || strcmp(value, "no") == 0 ||
                     strcmp(value, "false") == 0 || strcmp(value, "n") == 0);
}

/* One `-object`: is it the one that is looked for, and does it ask for anything? */
static bool asks_who_is_there(void *data, const char *value)
{
    const TlsSearch *search = data;
    CLEANUP(mem) char *type = qemu_suboption(value, "qom-type", true);
    CLEANUP(mem) char *id = qemu_suboption(value, "id", false);
    CLEANUP(mem) char *verifies = qemu_suboption(value, "verify-peer", false);
    CLEANUP(mem) char *policy = qemu_suboption(value, "policy", false);

    if (!type || !id || strcmp(id, search->id) != 0)
        return false;
    if (search->is_credentials)
        return strcmp(type, "tls-creds-x509") == 0 && !is_off(verifies);
    return strncmp(type, "authz-", strlen("authz-")) == 0 &&
           !(policy && strcmp(policy, "allow") == 0);
}

static bool has_tls(const StringList *arguments, const char *options)
{
    CLEANUP(mem) char *credentials = qemu_suboption(options, "tls-creds", false);
    CLEANUP(mem) char *authorization = qemu_suboption(options, "tls-authz", false);
    TlsSearch search = {credentials, true};

    if (!credentials || !authorization ||
        !qemu_option_any(arguments, "object", asks_who_is_there, &search))
        return false;
    search = (TlsSearch){authorization, false};
    return qemu_option_any(arguments, "object", asks_who_is_there, &search);
}

static void read_socket(const StringList *arguments, const char *options, char *path, Chardev *ret)
{
    CLEANUP(mem) char *host = qemu_suboption(options, "host", false);
    CLEANUP(mem) char *port = qemu_suboption(options, "port", false);
    CLEANUP(mem) char *fd = qemu_suboption(options, "fd", false);
    CLEANUP(mem) char *abstract = qemu_suboption(options, "abstract", false);

    if (host || port || (!path && !fd)) {
        ret->reach = has_tls(arguments, options) ? REACH_TLS : REACH_NETWORK;
    } else if (!path) {
        ret->reach = REACH_OTHER;
    } else if (asprintf(&ret->path, "%s%s", abstract && !is_off(abstract) ? "@" : "", path) >= 0) {
        ret->reach = REACH_UNIX;
    } else {
        ret->path = NULL;
    }
}

static Reach find_backend(const char *name)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
        if (strcmp(backends[i].name, name) == 0)
            return backends[i].reach;
    }
    return REACH_NETWORK;
}

static void read_options(const StringList *arguments, const char *options, Chardev *ret)
{
    CLEANUP(mem) char *backend = qemu_suboption(options, "backend", true);
    CLEANUP(mem) char *path = qemu_suboption(options, "path", false);

    if (backend && strcmp(backend, "socket") == 0)
        read_socket(arguments, options, path, ret);
    else if (backend)
        ret->reach = find_backend(backend);
}

/* Behind `unix:` the path is the first option. */
static void read_unix(const StringList *arguments, const char *options, Chardev *ret)
{
    CLEANUP(mem) char *path = qemu_suboption(options, "path", true);

    read_socket(arguments, options, path, ret);
}

static bool skip_word(const char **text, const char *word)
{
    if (strncmp(*text, word, strlen(word)) != 0)
        return false;
    *text += strlen(word);
    return true;
}

/* Behind `tcp:` stands HOST:PORT, and behind that the options. */
static bool skip_stream(const char **text)
{
    return skip_word(text, "tcp:") || skip_word(text, "telnet:") || skip_word(text, "tn3270:") ||
           skip_word(text, "websocket:");
}

void chardev_from_text(const StringList *arguments, const char *text, Chardev *ret)
{
    *ret = (Chardev){0};
    (void)skip_word(&text, "mon:");
    if (skip_word(&text, "chardev:")) {
        chardev_from_id(arguments, text, ret);
        return;
    }
    if (skip_word(&text, "unix:")) {
        read_unix(arguments, text, ret);
        return;
    }
    if (skip_stream(&text)) {
        ret->reach = has_tls(arguments, text) ? REACH_TLS : REACH_NETWORK;
        return;
    }
    ret->reach = find_backend(text);
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
        if (strncmp(text, short_forms[i].name, strlen(short_forms[i].name)) == 0)
            ret->reach = short_forms[i].reach;
    }
}

typedef struct IdSearch {
    const StringList *arguments;
    const char *id;
    Chardev *ret;
} IdSearch;

static bool read_if_named(void *data, const char *value)
{
    IdSearch *search = data;
    CLEANUP(mem) char *id = qemu_suboption(value, "id", false);

    if (!id || strcmp(id, search->id) != 0)
        return false;
    read_options(search->arguments, value, search->ret);
    return true;
}

void chardev_from_id(const StringList *arguments, const char *id, Chardev *ret)
{
    IdSearch search = {arguments, id, ret};

    *ret = (Chardev){0};
    (void)qemu_option_any(arguments, "chardev", read_if_named, &search);
}

void chardev_clear(Chardev *chardev)
{
    free(chardev->path);
    *chardev = (Chardev){0};
}
