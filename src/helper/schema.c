/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include "json_add.h"
#include "util/cleanup.h"

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <string.h>

static json_object *complain_null(const char *where, const char *what)
{
    complain("%s: %s", where, what);
    return NULL;
}

/* A member of query-commands has a name; one of query-qmp-schema also says what it is. */
static bool is_command(json_object *member, const char **ret_name)
{
    json_object *name = NULL;
    json_object *type = NULL;

    if (!json_object_object_get_ex(member, "name", &name) ||
        !json_object_is_type(name, json_type_string))
        return false;
    *ret_name = json_object_get_string(name);
    return !json_object_object_get_ex(member, "meta-type", &type) ||
           strcmp(json_object_get_string(type), "command") == 0;
}

/* NULL after complaining of @where. */
static json_object *read_names(const char *text, const char *where)
{
    CLEANUP(json) json_object *document = json_tokener_parse(text);
    CLEANUP(json) json_object *names = json_object_new_array();
    json_object *list = document;

    if (json_object_is_type(document, json_type_object))
        json_object_object_get_ex(document, "return", &list);
    if (!names || !json_object_is_type(list, json_type_array))
        return complain_null(where, "not the answer to query-commands or query-qmp-schema");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name;

        if (is_command(json_object_array_get_idx(list, i), &name))
            json_append(names, json_object_new_string(name));
    }
    if (!json_is_whole(names))
        return complain_null(where, "out of memory");
    if (json_object_array_length(names) == 0)
        return complain_null(where, "there is no command in it");
    return steal_pointer(&names);
}

json_object *schema_read_file(const char *path)
{
    size_t length;
    CLEANUP(mem) char *text = read_file(path, &length);

    return text ? read_names(text, path) : NULL;
}

json_object *schema_ask(virDomainPtr domain)
{
    const char *name = virDomainGetName(domain); /* before the call: it forgets the last error */
    CLEANUP(mem) char *answer = NULL;

    if (virDomainQemuMonitorCommand(domain, "{\"execute\":\"query-commands\"}", &answer, 0) < 0) {
        complain("cannot ask '%s' for its commands: %s%s", name, virGetLastErrorMessage(),
                 helper_libvirt_remedy());
        return NULL;
    }
    return read_names(answer, name);
}
