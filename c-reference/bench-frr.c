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

/*
 * bench.c over the imsg code in FRR's library, which is OpenBSD's of
 * before 7.7. The library is loaded from the files named after the role, each
 * after those it needs. It exports its functions and hides its header: the
 * prototypes and structs below say what its ABI is.
 */
#include <sys/types.h>

#include <dlfcn.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

struct frr_imsg {
	uint32_t	type;
	uint16_t	len;
	uint16_t	flags;
	uint32_t	peerid;
	uint32_t	pid;
	int		fd;
	void		*data;
};

static void (*imsg_init)(void *, int);
static ssize_t (*imsg_read)(void *);
static ssize_t (*imsg_get)(void *, struct frr_imsg *);
static void (*imsg_free)(struct frr_imsg *);
static int (*imsg_compose)(void *, uint32_t, uint32_t, pid_t, int, const void *,
    uint16_t);
static int (*imsg_flush)(void *);

static void *channel;
static void *library;

static void *
function(const char *name)
{
	void *found = dlsym(library, name);

	if (found == NULL)
		errx(1, "%s", dlerror());
	return found;
}

void
transport_open(int fd)
{
	char **file;

	for (file = job.args; *file != NULL; file++)
		if ((library = dlopen(*file, RTLD_NOW | RTLD_GLOBAL)) == NULL)
			errx(1, "%s", dlerror());
	if (library == NULL)
		errx(2, "the files of the library are missing");
	*(void **)&imsg_init = function("imsg_init");
	*(void **)&imsg_read = function("imsg_read");
	*(void **)&imsg_get = function("imsg_get");
	*(void **)&imsg_free = function("imsg_free");
	*(void **)&imsg_compose = function("imsg_compose");
	*(void **)&imsg_flush = function("imsg_flush");
	/* More than its struct imsgbuf, which holds a buffer of 65535 bytes. */
	if ((channel = calloc(1, 1 << 17)) == NULL)
		err(1, "imsgbuf");
	imsg_init(channel, fd);
}

void
transport_send(uint64_t count)
{
	size_t queued = 0;
	uint64_t k, messages = 0;

	for (k = 0; k < count; k++) {
		if (imsg_compose(channel, 1, (uint32_t)k, 0, descriptor_for(k),
			payload(), (uint16_t)job.size) == -1)
			err(1, "imsg_compose");
		queued += BENCH_HEADER + job.size;
		if (queued < job.batch_bytes && ++messages < job.batch &&
		    k + 1 < count)
			continue;
		if (imsg_flush(channel) == -1)
			err(1, "imsg_flush");
		queued = 0;
		messages = 0;
	}
}

static void
take(struct frr_imsg *imsg)
{
	tally.messages++;
	tally.sum += imsg->peerid;
	if (imsg->len > BENCH_HEADER)
		tally.sum += *(unsigned char *)imsg->data;
	if (imsg->fd != -1) {
		tally.descriptors++;
		close(imsg->fd);
	}
	imsg_free(imsg);
}

void
transport_receive(uint64_t count)
{
	uint64_t until = tally.messages + count;
	struct frr_imsg imsg;
	ssize_t n;

	for (;;) {
		while ((n = imsg_get(channel, &imsg)) > 0)
			take(&imsg);
		if (n == -1)
			err(1, "imsg_get");
		if (tally.messages >= until)
			return;
		if (imsg_read(channel) < 1)
			err(1, "imsg_read");
	}
}
