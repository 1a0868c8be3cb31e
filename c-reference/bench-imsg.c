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

/* bench.c over imsg(3) as it is since OpenBSD 7.7. */
#include <sys/types.h>

#include <err.h>
#include <unistd.h>

#include <imsg.h>

#include "bench.h"

static struct imsgbuf channel;

void
transport_open(int fd)
{
	if (imsgbuf_init(&channel, fd) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&channel);
}

void
transport_send(uint64_t count)
{
	size_t queued = 0;
	uint64_t k;

	for (k = 0; k < count; k++) {
		if (imsg_compose(&channel, 1, (uint32_t)k, 0, descriptor_for(k),
			payload(), job.size) == -1)
			err(1, "imsg_compose");
		queued += BENCH_HEADER + job.size;
		if (queued < job.batch_bytes &&
		    imsgbuf_queuelen(&channel) < job.batch && k + 1 < count)
			continue;
		if (imsgbuf_flush(&channel) == -1)
			err(1, "imsgbuf_flush");
		queued = 0;
	}
}

static void
take(struct imsg *imsg)
{
	struct ibuf data;
	int fd;

	tally.messages++;
	tally.sum += imsg_get_id(imsg);
	if (imsg_get_len(imsg) > 0 && imsg_get_ibuf(imsg, &data) == 0)
		tally.sum += *(unsigned char *)ibuf_data(&data);
	if (job.every > 0 && (fd = imsg_get_fd(imsg)) != -1) {
		tally.descriptors++;
		close(fd);
	}
	imsg_free(imsg);
}

void
transport_receive(uint64_t count)
{
	uint64_t until = tally.messages + count;
	struct imsg imsg;
	int rv;

	for (;;) {
		while ((rv = imsgbuf_get(&channel, &imsg)) > 0)
			take(&imsg);
		if (rv == -1)
			err(1, "imsgbuf_get");
		if (tally.messages >= until)
			return;
		if (imsgbuf_read(&channel) != 1)
			err(1, "imsgbuf_read");
	}
}
