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
 * The modes of imsg-peer that imsg(3) would not do: messages cut anywhere, and
 * broken ones.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg-peer.h"

enum { HEADER = 16 };

#ifdef IMSG_CLASSIC
#define LARGEST_LENGTH	UINT32_C(0xffff)
#else
#define LARGEST_LENGTH	UINT32_C(0xffffffff)
#endif

/* len goes out as it is, however wrong. */
static void
put_header(unsigned char *out, uint32_t len, int marked, uint32_t id)
{
	uint32_t pid = (uint32_t)(options.pid == 0 ? getpid() : options.pid);

	memcpy(out, &options.type, 4);
#ifdef IMSG_CLASSIC
	memcpy(out + 4, &(uint16_t){ (uint16_t)len }, 2);
	memcpy(out + 6, &(uint16_t){ marked ? 1 : 0 }, 2);
#else
	memcpy(out + 4,
	    &(uint32_t){ len | (marked ? UINT32_C(0x80000000) : 0) }, 4);
#endif
	memcpy(out + 8, &id, 4);
	memcpy(out + 12, &pid, 4);
}

/*
 * One sendmsg with the descriptors; what the socket did not take at once
 * follows without.
 */
static void
put(const unsigned char *bytes, size_t len, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control;
	ssize_t n;

	while (len > 0) {
		struct iovec iov = { (void *)(uintptr_t)bytes, len };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

		if (nfds > 0) {
			struct cmsghdr *cmsg;

			memset(&control, 0, sizeof(control));
			msg.msg_control = control.space;
			msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
			cmsg = CMSG_FIRSTHDR(&msg);
			cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
			cmsg->cmsg_level = SOL_SOCKET;
			cmsg->cmsg_type = SCM_RIGHTS;
			memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
		}
		if ((n = sendmsg(channel.fd, &msg, 0)) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "write");
		}
		nfds = 0;
		bytes += n;
		len -= (size_t)n;
	}
}

static void
put_good(void)
{
	unsigned char good[HEADER + 4];

	put_header(good, sizeof(good), 0, id_of(0));
	memcpy(good + HEADER, "good", 4);
	put(good, sizeof(good), NULL, 0);
}

static void
put_bare_header(uint32_t len, int marked, const int *fds, size_t nfds)
{
	unsigned char header[HEADER];

	put_header(header, len, marked, id_of(0));
	put(header, sizeof(header), fds, nfds);
}

/* The message that split, late and dribble cut up; the caller frees it. */
static unsigned char *
whole_message(size_t *len, int marked)
{
	unsigned char *message;

	*len = HEADER + options.size;
	if (*len > LARGEST_LENGTH)
		errx(EXIT_USAGE,
		    "this wire format has no room for %zu bytes of payload",
		    options.size);
	if ((message = malloc(*len)) == NULL)
		err(1, "%zu bytes of payload", options.size);
	put_header(message, (uint32_t)*len, marked, id_of(0));
	memcpy(message + HEADER, pattern(0, options.size), options.size);
	return message;
}

static void
await_go(void)
{
	char go;

	while (read(STDIN_FILENO, &go, 1) == -1)
		if (errno != EINTR)
			err(1, "stdin");
}

void
split(uint64_t offset, const char *file)
{
	int fd = file == NULL ? -1 : open_file(file);
	size_t len, nfds = fd == -1 ? 0 : 1;
	unsigned char *message = whole_message(&len, fd != -1);

	if (offset > 0 && offset < len) {
		put(message, (size_t)offset, &fd, nfds);
		await_go();
		put(message + offset, len - (size_t)offset, NULL, 0);
	} else
		put(message, len, &fd, nfds);
	free(message);
	if (fd != -1)
		close(fd);
	if (imsg_compose(&channel, options.type + 1, id_of(0), options.pid, -1,
		NULL, 0) == -1)
		err(1, "compose");
	finish();
}

/* Nothing comes after it, whose arrival could bring the descriptor to light. */
void
late(uint64_t offset, const char *file)
{
	int fd = open_file(file);
	size_t len;
	unsigned char *message = whole_message(&len, 1);

	if (offset == 0 || offset >= len)
		errx(EXIT_USAGE, "cut at %ju, %zu bytes are not in two parts",
		    (uintmax_t)offset, len);
	put(message, (size_t)offset, NULL, 0);
	await_go();
	put(message + offset, len - (size_t)offset, &fd, 1);
	free(message);
	close(fd);
	await_go();
	finish();
}

void
dribble(uint64_t piece, const char *file)
{
	int fd = file == NULL ? -1 : open_file(file);
	size_t len, at, n, nfds = fd == -1 ? 0 : 1;
	unsigned char *message;

	if (piece == 0)
		errx(EXIT_USAGE, "a piece of 0 bytes gets nowhere");
	message = whole_message(&len, fd != -1);
	for (at = 0; at < len; at += n, nfds = 0) {
		n = len - at < piece ? len - at : (size_t)piece;
		put(message + at, n, &fd, nfds);
	}
	free(message);
	if (fd != -1)
		close(fd);
	finish();
}

static void
short_length(void)
{
	put_bare_header(HEADER - 1, 0, NULL, 0);
}

static void
zero_length(void)
{
	put_bare_header(0, 0, NULL, 0);
}

static void
long_length(void)
{
	if (options.max_payload >= LARGEST_LENGTH - HEADER)
		errx(EXIT_USAGE, "this wire format has no length over %u",
		    (unsigned)LARGEST_LENGTH);
	put_bare_header(HEADER + options.max_payload + 1, 0, NULL, 0);
}

static void
huge_length(void)
{
	put_bare_header(LARGEST_LENGTH, 0, NULL, 0);
}

static void
mark_without_fd(void)
{
	put_bare_header(HEADER, 1, NULL, 0);
	put_good();
}

static void
fd_without_mark(void)
{
	int fd = open_file("/dev/null");

	put_bare_header(HEADER, 0, &fd, 1);
	put_good();
}

static void
two_fds(void)
{
	int fds[2];

	fds[0] = open_file("/dev/null");
	fds[1] = open_file("/dev/null");
	put_bare_header(HEADER, 1, fds, 2);
	put_good();
}

static void
fd_then_late_mark(void)
{
	int fd = open_file("/dev/null");

	put_bare_header(HEADER, 0, &fd, 1);
	put_bare_header(HEADER, 1, NULL, 0);
}

static void
die_in_header(void)
{
	unsigned char header[HEADER];

	put_header(header, HEADER, 0, id_of(0));
	put(header, HEADER / 2, NULL, 0);
	exit(0);
}

static void
die_in_payload(void)
{
	unsigned char message[HEADER + 10];

	put_header(message, HEADER + 100, 0, id_of(0));
	memcpy(message + HEADER, pattern(0, 10), 10);
	put(message, sizeof(message), NULL, 0);
	exit(0);
}

/*
 * Data still unread when the socket is closed is what makes the kernel
 * report a reset.
 */
static void
reset(void)
{
	struct pollfd p = { .fd = channel.fd, .events = POLLIN };

	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR)
			err(1, "poll");
	exit(0);
}

static void
flood(void)
{
	unsigned char header[HEADER];
	int fd = open_file("/dev/null");
	uint64_t k;

	for (k = 0; k < options.count; k++) {
		put_header(header, HEADER, 1, id_of(k));
		put(header, sizeof(header), &fd, 1);
	}
}

static const struct {
	const char	*name;
	void		(*act)(void);
} kinds[] = {
	{ "short-length", short_length },
	{ "zero-length", zero_length },
	{ "long-length", long_length },
	{ "huge-length", huge_length },
	{ "mark-without-fd", mark_without_fd },
	{ "fd-without-mark", fd_without_mark },
	{ "two-fds", two_fds },
	{ "fd-then-late-mark", fd_then_late_mark },
	{ "die-in-header", die_in_header },
	{ "die-in-payload", die_in_payload },
	{ "reset", reset },
	{ "flood", flood },
};

void
misbehave(const char *kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, kind) == 0) {
			put_good();
			kinds[i].act();
			finish();
			return;
		}
	errx(EXIT_USAGE, "no such kind of misbehaviour: %s", kind);
}
