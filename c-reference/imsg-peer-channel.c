/*
 * Copyright (c) 2026 the imsg for the JVM authors
 *
 * Permission to use, copy, modify, and/or distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/* The channel of imsg-peer, and what its command line says about messages. */
#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg-peer.h"

struct options options = {
	.max_payload = MAX_IMSGSIZE - IMSG_HEADER_SIZE, .count = 1, .type = 1
};
struct imsgbuf channel;

uint64_t
number(const char *what, const char *text, uint64_t max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	/* strtoull takes a minus sign and wraps the number around. */
	if (errno != 0 || end == text || *end != '\0' ||
	    strchr(text, '-') != NULL || n > max)
		errx(EXIT_USAGE, "%s must be a number from 0 to %llu, not %s",
		    what, (unsigned long long)max, text);
	return n;
}

const unsigned char *
pattern(uint64_t k, size_t size)
{
	static unsigned char *bytes;
	static size_t have;
	size_t i, wanted = size + 256;

	/*
	 * One long run of 0, 1, 2... that every message starts somewhere in: no
	 * filling per message.
	 */
	if (wanted > have) {
		if ((bytes = realloc(bytes, wanted)) == NULL)
			err(1, "%zu bytes of payload", size);
		for (i = have; i < wanted; i++)
			bytes[i] = (unsigned char)i;
		have = wanted;
	}
	return bytes + (k & 0xff);
}

uint32_t
id_of(uint64_t index)
{
	return options.has_id ? options.id : (uint32_t)index;
}

int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		err(1, "open %s", path);
	return fd;
}

void
finish(void)
{
	if (imsgbuf_flush(&channel) == -1)
		err(1, "write");
	/* The peer may have gone first, which is its right. */
	if (shutdown(channel.fd, SHUT_WR) == -1 && errno != ENOTCONN &&
	    errno != EPIPE)
		err(1, "shutdown");
}
