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
 * The reading side of the library without a kernel, as a shared library for
 * interop-tests/fuzz: recvmsg(2) hands out what the caller says, close(2) notes
 * what it is called with. Descriptors are numbers that stand for nothing. For
 * one thread at a time.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "imsg.h"

/* What one recvmsg gives: so many bytes, and a descriptor or -1. */
struct read {
	int32_t	bytes;
	int32_t	fd;
};

/* A message as the program sees it; len counts the header. */
struct seen {
	uint32_t	type;
	uint32_t	len;
	uint32_t	peerid;
	uint32_t	pid;
	int32_t		fd;
	uint32_t	sum;	/* of the payload's bytes, each times its place */
};

struct outcome {
	int32_t		bad;	/* a read has failed: a length that cannot be */
	int32_t		messages;
	int32_t		closed;
	int32_t		closed_fds[256];
	struct seen	seen[];	/* as many as the stream can hold */
};

int32_t scripted_reads(
    const unsigned char *, const struct read *, int32_t, uint32_t,
    struct outcome *);

static const unsigned char *stream;
static const struct read *next;
static struct outcome *result;

ssize_t __wrap_recvmsg(int, struct msghdr *, int);
int __wrap_close(int);

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct cmsghdr *cmsg;
	int32_t bytes = next->bytes;

	(void)fd;
	(void)flags;
	memcpy(msg->msg_iov[0].iov_base, stream, bytes);
	stream += bytes;
	if (next->fd == -1) {
		msg->msg_controllen = 0;
	} else {
		cmsg = CMSG_FIRSTHDR(msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &next->fd, sizeof(int));
	}
	next++;
	return bytes;
}

int
__wrap_close(int fd)
{
	if (result->closed < 256)
		result->closed_fds[result->closed++] = fd;
	return 0;
}

static void
note(struct imsg *imsg)
{
	struct seen *seen = &result->seen[result->messages++];
	struct ibuf payload;
	const unsigned char *bytes;
	size_t i;

	seen->type = imsg_get_type(imsg);
	seen->len = imsg->hdr.len;
	seen->peerid = imsg_get_id(imsg);
	seen->pid = (uint32_t)imsg_get_pid(imsg);
	seen->fd = imsg_get_fd(imsg);
	seen->sum = 0;
	if (imsg_get_ibuf(imsg, &payload) == -1)
		return;
	bytes = ibuf_data(&payload);
	for (i = 0; i < ibuf_size(&payload); i++)
		seen->sum += (uint32_t)(i + 1) * bytes[i];
}

/* Reads as said, and takes every message; limit counts the header. */
int32_t
scripted_reads(const unsigned char *bytes, const struct read *reads,
    int32_t count, uint32_t limit, struct outcome *outcome)
{
	const struct read *last = reads + count;
	struct imsgbuf imsgbuf;
	struct imsg imsg;

	stream = bytes;
	next = reads;
	result = outcome;
	outcome->bad = outcome->messages = outcome->closed = 0;
	if (imsgbuf_init(&imsgbuf, 0) == -1)
		return -1;
	imsgbuf_allow_fdpass(&imsgbuf);
	if (imsgbuf_set_maxsize(&imsgbuf, limit - IMSG_HEADER_SIZE) == -1) {
		imsgbuf_clear(&imsgbuf);
		return -1;
	}
	while (!outcome->bad && next < last) {
		outcome->bad = imsgbuf_read(&imsgbuf) == -1;
		while (imsgbuf_get(&imsgbuf, &imsg) == 1) {
			note(&imsg);
			imsg_free(&imsg);
		}
	}
	imsgbuf_clear(&imsgbuf);
	return 0;
}
