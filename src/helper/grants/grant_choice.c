/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grant_choice.h"
#include "options.h"

int grant_parse_choice(HelperContext *context, int argc, char **argv, const struct option *options,
                       GrantChoice *ret)
{
    int option;

    *ret = (GrantChoice){0};
    while ((option = helper_option(context, argc, argv, "", options)) != -1) {
        switch (option) {
        case 'd':
            ret->domain = optarg;
            break;
        case 'a':
            ret->all = true;
            break;
        case 'j':
            ret->as_json = true;
            break;
        default:
            return -1;
        }
    }
    ret->words = argv + optind;
    ret->n_words = argc - optind;
    return 0;
}
