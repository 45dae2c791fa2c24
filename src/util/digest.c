/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "digest.h"

#include <stdint.h>
#include <string.h>

void digest_start(Digest *digest)
{
    sha256_init(&digest->context);
}

void digest_add(Digest *digest, const void *bytes, size_t length)
{
    sha256_update(&digest->context, length, bytes);
}

void digest_add_text(Digest *digest, const char *text)
{
    digest_add(digest, text, strlen(text) + 1);
}

void digest_finish(Digest *digest, char ret[DIGEST_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[SHA256_DIGEST_SIZE];

    sha256_digest(&digest->context, sizeof(bytes), bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * sizeof(bytes)] = '\0';
}
