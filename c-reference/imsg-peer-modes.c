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

/* The modes of imsg-peer that behave, written to imsg(3) alone. */
#include <sys/types.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg-peer.h"

/*
 * What a sender gathers before it writes. Half of what glibc's free likes to
 * hand back to the kernel at once: beyond that, every batch would be paid for
 * in page faults.
 */
enum { BATCH_BYTES = 64 * 1024, BATCH_MESSAGES = 512 };

/* Answers one message; a descriptor not taken is closed with it. */
typedef void handler(struct imsg *);

/* errno of what the peer sent and should not have, or 0. */
static int broken;

/*
 * False when nothing more comes: the stream ended, or broke. Messages that were
 * whole before it broke are still to be answered, so that is reported by
 * stream_ended.
 */
static int
read_more(void)
{
	int rv = imsgbuf_read(&channel);

	if (rv != -1)
		return rv;
	if (errno != ERANGE && errno != EBADMSG)
		err(1, "read");
	broken = errno;
	return 0;
}

static void
stream_ended(void)
{
	if (broken == 0)
		return;
	errno = broken;
	err(EXIT_PROTOCOL, "protocol error");
}

/*
 * Who broke the stream may be gone already: then that is the cause worth
 * telling.
 */
static void
write_failed(void)
{
	int error = errno;

	stream_ended();
	errno = error;
	err(1, "write");
}

static void
flush(void)
{
	if (imsgbuf_flush(&channel) == -1)
		write_failed();
}

static int
next(struct imsg *imsg)
{
	int rv = imsgbuf_get(&channel, imsg);

	if (rv == -1)
		err(1, "imsgbuf_get");
	return rv;
}

static void
answer(uint32_t type, uint32_t id, int fd, const void *data, size_t len)
{
	if (imsg_compose(&channel, type, id, 0, fd, data, len) == -1)
		err(1, "compose");
}

/*
 * Reads even while answers wait to be written: a peer that writes a lot before
 * it reads would otherwise wait for us while we wait for it.
 */
static void
serve(handler *handle)
{
	struct pollfd p = { .fd = channel.fd };
	struct imsg imsg;
	int open = 1;

	if (fcntl(channel.fd, F_SETFL,
		fcntl(channel.fd, F_GETFL) | O_NONBLOCK) == -1)
		err(1, "fcntl");
	while (open || imsgbuf_queuelen(&channel) > 0) {
		p.events = (short)((open ? POLLIN : 0) |
		    (imsgbuf_queuelen(&channel) > 0 ? POLLOUT : 0));
		if (poll(&p, 1, -1) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "poll");
		}
		if (open && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
			open = read_more();
			while (next(&imsg)) {
				handle(&imsg);
				imsg_free(&imsg);
			}
		}
		if (imsgbuf_queuelen(&channel) > 0 &&
		    imsgbuf_write(&channel) == -1)
			write_failed();
	}
	stream_ended();
}

static void
echo_one(struct imsg *imsg)
{
	size_t len = imsg_get_len(imsg);
	struct ibuf payload, *reply;

	reply = imsg_create(&channel, imsg_get_type(imsg), imsg_get_id(imsg),
	    imsg_get_pid(imsg), len);
	if (reply == NULL)
		err(1, "compose");
	if (len > 0 &&
	    (imsg_get_ibuf(imsg, &payload) == -1 ||
		ibuf_add_ibuf(reply, &payload) == -1))
		err(1, "compose");
	/*
	 * imsg_create turns a pid of 0 into ours, but an echo says what it
	 * heard.
	 */
	if (imsg_get_pid(imsg) == 0 &&
	    ibuf_set_h32(reply, offsetof(struct imsg_hdr, pid), 0) == -1)
		err(1, "compose");
	ibuf_fd_set(reply, imsg_get_fd(imsg));
	imsg_close(&channel, reply);
}

void
echo(void)
{
	serve(echo_one);
}

void
pingpong(void)
{
	struct imsg imsg;
	int open;

	do {
		open = read_more();
		while (next(&imsg)) {
			echo_one(&imsg);
			imsg_free(&imsg);
			flush();
		}
	} while (open);
	stream_ended();
}

static const char *text_to_write;

static void
write_text(struct imsg *imsg)
{
	const char *p = text_to_write;
	size_t left = strlen(p);
	ssize_t n;
	int fd = imsg_get_fd(imsg);

	if (fd == -1) {
		answer(imsg_get_type(imsg) + 2, imsg_get_id(imsg), -1, NULL, 0);
		return;
	}
	while (left > 0) {
		if ((n = write(fd, p, left)) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "write to the received descriptor");
		}
		p += n;
		left -= (size_t)n;
	}
	close(fd);
	answer(imsg_get_type(imsg) + 1, imsg_get_id(imsg), -1, NULL, 0);
}

void
recvfd(const char *text)
{
	text_to_write = text;
	serve(write_text);
}

static uint32_t
open_descriptors(void)
{
	struct dirent *entry;
	uint32_t count = 0;
	long fd, max;
	DIR *dir;

	if ((dir = opendir("/proc/self/fd")) != NULL) {
		while ((entry = readdir(dir)) != NULL)
			if (entry->d_name[0] != '.')
				count++;
		closedir(dir);
		return count - 1;	/* the directory itself */
	}
	if ((max = sysconf(_SC_OPEN_MAX)) == -1 || max > 65536)
		max = 65536;
	for (fd = 0; fd < max; fd++)
		if (fcntl((int)fd, F_GETFD) != -1)
			count++;
	return count;
}

/*
 * Closes every descriptor that one read brought before it counts: the answer
 * must not depend on timing.
 */
void
count_fds(void)
{
	struct ibufqueue *unanswered;
	struct imsg imsg;
	uint32_t count;
	int open, fd;

	if ((unanswered = ibufq_new()) == NULL)
		err(1, "ibufq_new");
	do {
		open = read_more();
		while (next(&imsg)) {
			if ((fd = imsg_get_fd(&imsg)) != -1)
				close(fd);
			imsg_ibufq_push(unanswered, &imsg);
		}
		while (imsg_ibufq_pop(unanswered, &imsg) == 1) {
			count = open_descriptors();
			answer(imsg_get_type(&imsg), imsg_get_id(&imsg), -1,
			    &count, sizeof(count));
			imsg_free(&imsg);
		}
		flush();
	} while (open);
	ibufq_free(unanswered);
	stream_ended();
}

/*
 * Eight bytes at a step: adding one by one would be what a benchmark of sink
 * measures.
 */
static uint64_t
sum_of(const unsigned char *p, size_t n)
{
	const uint64_t every_other = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t sum = 0, word, lanes;
	size_t i, steps;

	while (n >= 8) {
		/* 128 * 2 * 255 still fits a 16-bit lane */
		steps = n / 8 < 128 ? n / 8 : 128;
		for (lanes = 0, i = 0; i < steps; i++, p += 8) {
			memcpy(&word, p, sizeof(word));
			lanes += (word & every_other) +
			    (word >> 8 & every_other);
		}
		for (i = 0; i < 64; i += 16)
			sum += lanes >> i & 0xffff;
		n -= steps * 8;
	}
	while (n-- > 0)
		sum += *p++;
	return sum;
}

void
sink(void)
{
	uint64_t messages = 0, bytes = 0, descriptors = 0, sum = 0;
	struct ibuf payload;
	struct imsg imsg;
	int open, fd;

	do {
		open = read_more();
		while (next(&imsg)) {
			messages++;
			if (imsg_get_len(&imsg) > 0 &&
			    imsg_get_ibuf(&imsg, &payload) == 0) {
				bytes += ibuf_size(&payload);
				sum += sum_of(ibuf_data(&payload),
				    ibuf_size(&payload));
			}
			if ((fd = imsg_get_fd(&imsg)) != -1) {
				descriptors++;
				close(fd);
			}
			imsg_free(&imsg);
		}
	} while (open);
	printf("messages=%" PRIu64 " bytes=%" PRIu64 " descriptors=%" PRIu64
	       " sum=%" PRIu64 "\n",
	    messages, bytes, descriptors, sum);
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	stream_ended();
}

static void
flush_when_full(size_t *queued)
{
	if (*queued < BATCH_BYTES &&
	    imsgbuf_queuelen(&channel) < BATCH_MESSAGES)
		return;
	flush();
	*queued = 0;
}

void
source(void)
{
	size_t queued = 0;
	uint64_t k;

	for (k = 0; k < options.count; k++) {
		if (imsg_compose(&channel, options.type, id_of(k), options.pid,
			-1, pattern(k, options.size), options.size) == -1)
			err(1, "compose %zu bytes", options.size);
		queued += IMSG_HEADER_SIZE + options.size;
		flush_when_full(&queued);
	}
	finish();
}

void
sendfd(char **files)
{
	uint64_t round, index = 0;
	size_t queued = 0;
	char **file;
	int fd;

	for (round = 0; round < options.count; round++)
		for (file = files; *file != NULL; file++) {
			fd = open_file(*file);
			if (imsg_compose(&channel, options.type, id_of(index++),
				options.pid, fd, *file, strlen(*file)) == -1)
				err(1, "compose");
			queued += IMSG_HEADER_SIZE + strlen(*file);
			flush_when_full(&queued);
		}
	finish();
}
