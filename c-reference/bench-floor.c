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
 * bench.c over bare system calls: the same bytes in the same batches, not
 * looked at as messages. A descriptor goes out by sendmsg with the first byte
 * of its message and everything up to the next one. With -f the bytes are
 * messages all the same: each is written into the buffer before, and looked at
 * in it after, and that is all.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { READ_SIZE = 65536 };

union one_descriptor {
	struct cmsghdr	align;
	char		space[CMSG_SPACE(sizeof(int))];
};

static unsigned char *buffer;
static int socket_fd;
/* bytes that came with the messages asked for, and belong to later ones */
static size_t beyond;
/* with -f: bytes of an incomplete message at the buffer's front */
static size_t kept;

void
transport_open(int fd)
{
	size_t size = job.batch_bytes + 2 * (BENCH_HEADER + job.size);

	socket_fd = fd;
	if ((buffer = malloc(size < READ_SIZE ? READ_SIZE : size)) == NULL)
		err(1, "buffer");
	memset(buffer, 1, size < READ_SIZE ? READ_SIZE : size);
}

static void
write_all(size_t at, size_t size)
{
	ssize_t n;

	while (at < size) {
		if ((n = write(socket_fd, buffer + at, size - at)) == -1 &&
		    errno != EINTR)
			err(1, "write");
		if (n > 0)
			at += (size_t)n;
	}
}

static void
send_with(int fd, size_t size)
{
	union one_descriptor control;
	struct iovec iov = { buffer, size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	do
		n = sendmsg(socket_fd, &msg, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		err(1, "sendmsg");
	if ((size_t)n < size)
		write_all((size_t)n, size);
	if (!job.bare)
		close(fd);
}

static void
frame(uint64_t first, uint64_t count)
{
	uint32_t header[4] = { 1, (uint32_t)(BENCH_HEADER + job.size), 0,
		4711 };
	unsigned char *at = buffer;

	for (; count-- > 0; at += header[1]) {
		header[2] = (uint32_t)first++;
		memcpy(at, header, BENCH_HEADER);
		memcpy(at + BENCH_HEADER, payload(), job.size);
	}
}

void
transport_send(uint64_t count)
{
	size_t message = BENCH_HEADER + job.size;
	uint64_t fit = job.batch_bytes / message, k, n, next;
	int fd;

	if (fit == 0)
		fit = 1;
	if (fit > job.batch)
		fit = job.batch;
	for (k = 0; k < count; k += n) {
		n = count - k < fit ? count - k : fit;
		if (job.every > 0 && (next = job.every - k % job.every) < n)
			n = next;
		if (job.framed)
			frame(k, n);
		if ((fd = descriptor_for(k)) == -1)
			write_all(0, n * message);
		else
			send_with(fd, n * message);
	}
}

static size_t
read_with_descriptor(void)
{
	union one_descriptor control;
	struct iovec iov = { buffer + kept, READ_SIZE - kept };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg;
	ssize_t n;
	int fd;

	do
		n = recvmsg(socket_fd, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n < 1)
		err(1, "recvmsg");
	if ((cmsg = CMSG_FIRSTHDR(&msg)) != NULL) {
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
		tally.descriptors++;
		close(fd);
	}
	return (size_t)n;
}

static size_t
read_some(void)
{
	ssize_t n;

	if (job.every > 0)
		return read_with_descriptor();
	while ((n = read(socket_fd, buffer + kept, READ_SIZE - kept)) == -1 &&
	    errno == EINTR)
		continue;
	if (n < 1)
		err(1, "read");
	return (size_t)n;
}

static void
take_all(size_t have)
{
	uint32_t header[4];
	size_t at = 0;

	while (have - at >= BENCH_HEADER) {
		memcpy(header, buffer + at, BENCH_HEADER);
		if (header[1] < BENCH_HEADER || header[1] > READ_SIZE) {
			errx(1, "a length of %u", header[1]);
		}
		if (have - at < header[1])
			break;
		tally.messages++;
		tally.sum += header[2];
		if (header[1] > BENCH_HEADER)
			tally.sum += buffer[at + BENCH_HEADER];
		at += header[1];
	}
	kept = have - at;
	memmove(buffer, buffer + at, kept);
}

void
transport_receive(uint64_t count)
{
	size_t message = BENCH_HEADER + job.size;
	uint64_t until = tally.messages + count, wanted = count * message,
		 have = beyond;

	if (job.framed) {
		while (tally.messages < until)
			take_all(kept + read_some());
		return;
	}

	while (have < wanted)
		have += read_some();
	beyond = have - wanted;
	tally.messages += count;
}
