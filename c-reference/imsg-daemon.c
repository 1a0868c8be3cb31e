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
 * A daemon with one fault, to test the testers of daemons with: README.md.
 * It frames messages itself, since most faults are below imsg(3).
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imsg-daemon-faults.h"

enum { HEADER = 16, LIMIT = 16384, CLIENTS = 900, PASSED = 253, ROOM = 65536 };
enum { ECHO = 1, COUNT = 2, TAKE = 3 };	/* types that are answered */
enum { EXIT_USAGE = 2 };
/* Of faults: the clients of a table, descriptors, and half a second. */
enum { TABLE_SIZE = 64, FEW_OPEN = 256, HALF_A_SECOND = 500 };

#define ENTRY(name, text, type, kind, what) name,
enum fault { FAULTS(ENTRY) };
#undef ENTRY

#define ENTRY(name, text, type, kind, what) { text, type, kind, what },
static const struct {
	const char	*name;
	int		 type;
	char		 kind;
	const char	*what;
} faults[] = { FAULTS(ENTRY) };
#undef ENTRY

struct header {
	uint32_t	type, word, peerid, pid;
};

struct client {
	int		 fd;
	size_t		 have;
	unsigned char	 in[ROOM];
	int		 fds[2 * PASSED];
	int		 nfds;
	int		 closed;	/* the descriptor closed last, or -1 */
	int		 cut;		/* the message began in an earlier read */
	int		 spoke, refused, said, messages, taken, stopped, heard;
	uint32_t	 first_id;
	size_t		 skip, used;
	long		 since;		/* milliseconds */
	struct header	 before;
	unsigned char	*out;
	size_t		 queued, room;
};

static struct client *clients[CLIENTS];
static struct client *newest;
static enum fault fault;
static int classic, accepted, answered, in_read, refusals, dropped;
static const char *path;
static uint32_t last_id, dead;
static unsigned char left[HEADER];	/* of the client that left last */
static size_t nleft;
static struct client inherited, common;
static unsigned char said_last[LIMIT];
static void *volatile leaked;

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: imsg-daemon -l\n"
	    "       imsg-daemon [-c] SOCKET [FAULT]\n");
	exit(EXIT_USAGE);
}

static void
list(void)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		printf("%-26s %d %c %s\n", faults[i].name, faults[i].type,
		    faults[i].kind, faults[i].what);
}

static enum fault
named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(faults[i].name, name) == 0)
			return (enum fault)i;
	errx(EXIT_USAGE, "no such fault: %s", name);
}

static uint32_t
length(const struct header *h)
{
	if (fault == MARK_IN_LENGTH ||
	    (fault == MARK_KNOWN && h->type <= TAKE))
		return h->word;
	return h->word & (classic || fault == WIDE_LENGTH ? 0xffff :
	    fault == LOOSE_LENGTH ? 0x3fffffff : 0x7fffffff);
}

static int
marked(const struct header *h)
{
	return classic ? (h->word >> 16 & (fault == ANY_FLAG ? 0xffff : 1)) != 0 :
	    h->word >> 31 != 0;
}

static int
known(const struct header *h)
{
	return h->type >= ECHO && h->type <= TAKE;
}

static void
put(struct client *c, const void *bytes, size_t n)
{
	if (fault == DROPS_ANSWERS && c->queued > ROOM)
		return;
	if (c->queued + n > c->room) {
		c->room = 2 * (c->queued + n);
		if ((c->out = realloc(c->out, c->room)) == NULL)
			err(1, "answers");
	}
	memcpy(c->out + c->queued, bytes, n);
	c->queued += n;
}

static void
answer(struct client *c, const struct header *request, const void *data,
    size_t n)
{
	struct header h = { request->type, 0, request->peerid,
	    (uint32_t)getpid() };
	unsigned char message[HEADER + LIMIT];

	answered++;
	if (fault == OTHER_ID)
		h.peerid++;
	if (fault == SWAPPED_ID)
		h.peerid = __builtin_bswap32(h.peerid);
	if (fault == STALE_ID)
		h.peerid = last_id;
	last_id = request->peerid;
	if (fault == FIRST_ID)
		h.peerid = c->first_id;
	if (fault == LARGE_ID)
		h.peerid &= 0x7fffffff;
	if (fault == SHORT_PID)
		h.pid &= 0xff;
	if (fault == OTHER_PID)
		h.pid = 0x7ffffff0u + (uint32_t)answered % 7;
	if (fault == ZERO_PID)
		h.pid = 0;
	if (fault == DEAD_PID)
		h.pid = dead;
	if (fault == OTHER_TYPE && answered % 3 == 0)
		h.type = 99;
	if (fault == TRUNCATES && n > 4096)
		n = 4096;
	if (fault == STRINGS)
		n = strnlen(data, n);
	if ((fault == DROPS_LAST && n == LIMIT - HEADER) ||
	    (fault == DROPS_PAGE && n == 4096))
		n--;
	h.word = (uint32_t)(HEADER + n);
	if (fault == MARKS_ANSWERS ||
	    (fault == ECHOES_MARK && marked(request)))
		h.word |= classic ? 1U << 16 : 1U << 31;
	if (fault == SWAPPED_LENGTH)
		h.word = __builtin_bswap32(h.word);
	if (fault == SHORT_ANSWER)
		h.word = (uint32_t)n;
	memcpy(message, &h, HEADER);
	memcpy(message + HEADER, data, n);
	if (fault == OTHER_CLIENT && newest != NULL)
		c = newest;
	put(c, message, HEADER + n);
	if (fault == TWICE || (fault == TWICE_IF_CUT && c->cut) ||
	    (fault == TWICE_LATE && ++c->said % 500 == 0))
		put(c, message, HEADER + n);
}

/* -1: drop the client. */
static int
count(struct client *c, const struct header *h, const unsigned char *data,
    size_t n)
{
	uint32_t wanted;

	if (n < sizeof(wanted))
		return -1;
	memcpy(&wanted, data, sizeof(wanted));
	if (wanted > n - sizeof(wanted)) {
		if (fault == CRASH_COUNT)
			abort();
		if (fault == OVERREAD) {
			answer(c, h, said_last, sizeof(said_last) - HEADER);
			return 0;
		}
		return -1;
	}
	answer(c, h, data + sizeof(wanted), wanted);
	return 0;
}

/* By a fault: dies of a message. */
static void
crash(const struct client *c, const struct header *h, const unsigned char *data,
    size_t n, int fd)
{
	if (fault == CRASH_EMPTY && known(h) && n == 0)
		abort();
	if (fault == CRASH_UNKNOWN && h->type > 64)
		abort();
	if (fault == CRASH_MARK && marked(h) && fd == -1)
		abort();
	if (fault == CRASH_ID && h->peerid > INT32_MAX)
		abort();
	if (fault == CRASH_PID && h->pid == UINT32_MAX)
		abort();
	if (fault == CRASH_PAGE && n > 4096)
		abort();
	if (fault == CRASH_NEGATIVE && h->type > INT32_MAX)
		abort();
	if (fault == CRASH_TYPE_0 && h->type == 0)
		abort();
	if (fault == CRASH_TEXT && known(h) && n > 0 &&
	    memchr(data, 0, n) == NULL)
		abort();
	if (fault == CRASH_THOUSAND && c->messages == 1000)
		abort();
	if (fault == CRASH_EIGHT && ++in_read == 8)
		abort();
}

static int
message(struct client *c, const struct header *h, unsigned char *data,
    size_t n, int fd)
{
	uint32_t got = fd != -1;
	int rv = 0;

	if (c->messages++ == 0)
		c->first_id = h->peerid;
	crash(c, h, data, n, fd);
	if (fault == LEAKS_MESSAGE || (fault == LEAKS_MARKED && fd != -1))
		leaked = malloc(64 * HEADER + n);
	if (fault == DROPS_BODY && c->cut)
		memset(data, 0, n);
	if (fault == DEDUPES && memcmp(&c->before, h, HEADER) == 0)
		return 0;
	c->before = *h;
	if (fault == CLOSES_ZERO && marked(h) && fd == -1)
		close(0);
	if (h->type == ECHO)
		answer(c, h, data, n);
	else if (h->type == COUNT)
		rv = count(c, h, data, n);
	else if (h->type == TAKE)
		answer(c, h, &got, sizeof(got));
	if (n > 0)
		memcpy(said_last, data, n);
	if (fd == -1 || (fault == KEEPS && known(h)) ||
	    (fault == KEEPS_UNKNOWN && !known(h)) ||
	    (fault == KEEPS_WRONG_FD && rv == -1))
		return rv;
	close(fd);
	c->closed = fd;
	return rv;
}

/* By a fault: the length is not looked at. */
static int
unchecked(const struct client *c, const struct header *h)
{
	return (fault == UNCHECKED && marked(h)) ||
	    (fault == CHECKS_FIRST && c->messages > 0);
}

static int
too_short(const struct header *h)
{
	if (length(h) >= (fault == REFUSES_EMPTY ? HEADER + 1 : HEADER))
		return 0;
	if (fault == CRASH_SHORT)
		abort();
	while (fault == HANGS && length(h) == 0)
		pause();
	return !(fault == SHORT_LENGTH && !known(h)) &&
	    !(fault == SHORT_KNOWN && known(h));
}

static int
too_long(const struct header *h)
{
	if (length(h) <= (fault == LOW_LIMIT ? LIMIT - 1 :
	    fault == HIGH_LIMIT ? LIMIT + 1 : LIMIT))
		return 0;
	if (fault == CRASH_LONG)
		abort();
	return !(fault == NO_LIMIT && !known(h)) &&
	    !(fault == NO_LIMIT_KNOWN && known(h));
}

static int
descriptor(struct client *c, const struct header *h, int first)
{
	int fd;

	if (fault == SHARED_FD)
		c = &common;
	if (c->nfds == 0)
		return -1;
	if (fault == FIRST_MESSAGE ? !first :
	    fault == LAST_MESSAGE ? marked(h) : !marked(h))
		return -1;
	fd = c->fds[0];
	memmove(c->fds, c->fds + 1, (size_t)--c->nfds * sizeof(fd));
	if (fault == IGNORES_DESCRIPTOR && c->cut) {
		close(fd);
		return -1;
	}
	return fd;
}

/* How many bytes of messages are whole; one after the other from there. */
static ssize_t
messages(struct client *c, size_t at)
{
	struct header h;
	size_t n, size;
	ssize_t rest;
	int fd;

	if (c->have - at < HEADER)
		return (ssize_t)at;
	memcpy(&h, c->in + at, HEADER);
	if (fault == SHORT_TYPE)
		h.type &= 0xffff;
	if (!unchecked(c, &h) && (too_short(&h) || too_long(&h))) {
		c->refused = 1;
		if (++refusals == 2 && fault == CRASH_SECOND)
			abort();
		if (fault == CRASH_BEHIND && at > 0)
			abort();
		if (fault == SKIPS)
			(void)messages(c, at + HEADER);
		return -1;
	}
	size = length(&h) < HEADER ? HEADER : length(&h);
	if (fault == PAYLOAD_LENGTH && !known(&h))
		size += HEADER;
	if (c->have - at < size && fault == TAKES_PART) {
		c->skip = size - (c->have - at);
		(void)message(c, &h, c->in + at + HEADER,
		    c->have - at - HEADER, descriptor(c, &h, at == 0));
		return (ssize_t)c->have;
	}
	if (c->have - at < size)
		return (ssize_t)at;
	if ((fault == WAITS_FOR_DESCRIPTOR ||
	    (fault == WAITS_KNOWN && known(&h))) && marked(&h) && c->nfds == 0)
		return (ssize_t)at;
	n = size - HEADER;
	if (fault == OUT_OF_ORDER || (fault == MOVES_ONE && ++in_read == 16)) {
		rest = messages(c, at + size);
		if (rest == -1 || message(c, &h, c->in + at + HEADER, n,
		    descriptor(c, &h, at == 0)) == -1)
			return -1;
		return rest;
	}
	fd = descriptor(c, &h, at == 0);
	if (message(c, &h, c->in + at + HEADER, n, fd) == -1)
		return -1;
	c->cut = 0;
	if (fault == BODY_AS_HEADER && !known(&h))
		size = HEADER;
	if (fault == ONE_A_READ || (fault == HUNDRED && ++in_read == 100))
		return (ssize_t)c->have;
	if (fault == LATE_SECOND)
		return (ssize_t)(at + size);
	return messages(c, at + size);
}

/* By a fault: a descriptor that the daemon does not hold for a message. */
static int
ignores(struct client *c)
{
	if (fault == OVERWRITES && c->nfds == 1)
		c->nfds = 0;
	return fault == FEW_FDS && ++c->taken > 16;
}

static void
take_descriptors(struct client *c, struct msghdr *m)
{
	struct cmsghdr *x;
	int fds[PASSED], i, n, late = c->have > 0;

	if (fault == SHARED_FD)
		c = &common;

	for (x = CMSG_FIRSTHDR(m); x != NULL; x = CMSG_NXTHDR(m, x)) {
		if (x->cmsg_level != SOL_SOCKET || x->cmsg_type != SCM_RIGHTS)
			continue;
		n = (int)((x->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(x), (size_t)n * sizeof(int));
		if (fault == CRASH_TWO_FDS && n > 1)
			abort();
		for (i = 0; i < n; i++)
			if (i == 0 && c->nfds < PASSED && !ignores(c) &&
			    !(fault == KEEPS_LATE && late))
				c->fds[c->nfds++] = fds[i];
			else if (fault != KEEPS_SECOND &&
			    !(fault == KEEPS_LATE && late))
				close(fds[i]);
	}
}

/* Where a message begins whose rest the daemon waits for by a fault. */
static int
wants_rest(const struct client *c)
{
	struct header h;

	if (fault == WAITS_FOR_HEADER)
		return c->have > 0 && c->have < HEADER;
	if (fault != WAITS_FOR_PAYLOAD || c->have < HEADER)
		return 0;
	memcpy(&h, c->in, HEADER);
	return c->have < length(&h);
}

static ssize_t
receive(struct client *c)
{
	union {
		struct cmsghdr	alignment;
		char		space[CMSG_SPACE(sizeof(int) * PASSED)];
	} control;
	struct iovec io = { c->in + c->have, sizeof(c->in) - c->have };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n;

	if (fault == NEVER_MOVES)
		io.iov_len = sizeof(c->in) - c->used;
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC |
	    (wants_rest(c) ? 0 : MSG_DONTWAIT));
	if (n > 0)
		take_descriptors(c, &m);
	return n;
}

static ssize_t
some_output(struct client *c)
{
	union {
		struct cmsghdr	alignment;
		char		space[CMSG_SPACE(sizeof(int))];
	} control = { .alignment = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
	    SCM_RIGHTS } };
	struct iovec io = { c->out, c->queued };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	if (fault == STRAY_FD) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.alignment), &c->fd, sizeof(int));
	}
	return sendmsg(c->fd, &m,
	    (fault == SIGPIPE_KILLS ? 0 : MSG_NOSIGNAL) |
	    (fault == BLOCKS ? 0 : MSG_DONTWAIT));
}

static int
output(struct client *c)
{
	ssize_t n;

	while (c->queued > 0) {
		n = some_output(c);
		if (n == -1 && errno != EAGAIN && fault == WRITE_ERROR)
			err(1, "write");
		if (n == -1)
			return errno == EAGAIN && fault != DROPS_SLOW ? 0 : -1;
		if (fault == RESENDS && n > 1 && (size_t)n < c->queued)
			n--;
		if (fault == DROPS_REST)
			n = (ssize_t)c->queued;
		memmove(c->out, c->out + n, c->queued - (size_t)n);
		c->queued -= (size_t)n;
	}
	return 0;
}

/* By a fault: the end completes a message. */
static void
take_rest(struct client *c)
{
	struct header h;

	if (c->have < HEADER)
		return;
	memcpy(&h, c->in, HEADER);
	(void)message(c, &h, c->in + HEADER, c->have - HEADER, -1);
	(void)output(c);
}

static long
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -1: drop the client. */
static int
input(struct client *c)
{
	ssize_t n, done;
	size_t before, i, rest;

	c->heard = 1;
	c->since = now();
	do {
		before = c->have;
		if ((n = receive(c)) == -1) {
			if (fault == CRASH_RESET && errno == ECONNRESET)
				abort();
			return errno == EAGAIN ? 0 : -1;
		}
		if (n == 0) {
			if (fault == CRASH_SILENT && !c->spoke)
				abort();
			if (fault == TAKES_REST)
				take_rest(c);
			if (fault == CRASH_HALF && c->have > 0 &&
			    c->have < HEADER)
				abort();
			if (fault == CRASH_PART && c->have >= HEADER)
				abort();
			return fault == IGNORES_END ? 0 : -1;
		}
		if (fault == CRASH_SPLIT && before > 0 && before < HEADER)
			abort();
		c->spoke = 1;
		c->cut |= before > 0;
		c->have += (size_t)n;
		c->used += (size_t)n;
	} while (wants_rest(c));
	for (i = 0; fault == SHARED && i < CLIENTS; i++)
		if (clients[i] != NULL && clients[i] != c)
			clients[i]->have = 0;
	in_read = 0;
	rest = c->skip < c->have ? c->skip : c->have;
	memmove(c->in, c->in + rest, c->have -= rest);
	c->skip -= rest;
	if ((done = messages(c, 0)) == -1)
		return -1;
	if (fault == CRASH_UNMARKED && c->nfds > 0 && done > 0)
		abort();
	while (fault == KEEPS_UNMARKED ? 0 : c->nfds > 0 && done > 0 &&
	    (size_t)done == c->have)
		close(c->fds[--c->nfds]);
	rest = c->have - (size_t)done;
	if (fault == FORGETS_PART ||
	    (fault == FORGETS_TAIL && done > 0 && rest < HEADER)) {
		done = (ssize_t)c->have;
		rest = 0;
	}
	for (i = fault == OVERLAP && done > 0 ? rest : 0; i > 0; i--)
		c->in[i - 1] = c->in[i - 1 + (size_t)done];
	if (fault != OVERLAP)
		memmove(c->in, c->in + done, rest);
	c->have = rest;
	if (rest == 0)
		c->used = 0;
	return 0;
}

/* By a fault: what a client leaves behind. */
static void
leave_behind(struct client *c)
{
	if (fault == CRASH_UNREAD && c->queued > 0)
		abort();
	if (fault == TEXT && c->refused)
		(void)send(c->fd, "bad length\n", 11, MSG_NOSIGNAL);
	if (fault == REMOVES_SOCKET && c->have > 0)
		unlink(path);
	if (fault == LEAKS_LITTLE)
		leaked = malloc(32 * HEADER);
	if (fault == KEEPS_SLOT && c->nfds > 0) {
		inherited.fds[0] = c->fds[0];
		inherited.nfds = 1;
		c->nfds--;
		memmove(c->fds, c->fds + 1, (size_t)c->nfds * sizeof(int));
	}
	if (fault == KEEPS_OUTPUT && c->queued > 0) {
		inherited.out = c->out;
		inherited.queued = c->queued;
		inherited.room = c->room;
		c->out = NULL;
	}
}

static void
drop(int i)
{
	struct client *c = clients[i];

	leave_behind(c);
	if (fault == KEEPS_INPUT && c->have < HEADER)
		memcpy(left, c->in, nleft = c->have);
	while (c->nfds > 0)
		if (fault == KEEPS_UNMARKED ||
		    (fault == KEEPS_REFUSED_FD && c->refused))
			c->nfds--;
		else
			close(c->fds[--c->nfds]);
	if (fault == CLOSES_TWICE && c->closed != -1 && c->closed != c->fd)
		close(c->closed);
	if (fault == SKIPS)
		(void)output(c);
	if (fault != KEEPS_SOCKET && !(fault == KEEPS_REFUSED && c->refused) &&
	    !(++dropped % 40 == 0 && fault == KEEPS_FEW))
		close(c->fd);
	else
		shutdown(c->fd, SHUT_RDWR);
	if (newest == c)
		newest = NULL;
	clients[i] = NULL;
	for (i = 0; fault == CLOSES_OTHER && c->refused && i < CLIENTS; i++)
		if (clients[i] != NULL)
			drop(i);
	if (fault == LEAKS_CLIENT || (fault == LEAKS && c->refused) ||
	    (fault == LEAKS_UNREAD && c->queued > 0))
		return;
	free(c->out);
	free(c);
}

/* By a fault: more is done for a new client than to accept it. */
static void
accepted_one(int fd, int others)
{
	int eldest = -1, i;
	char first;

	if (fault == TABLE && others == TABLE_SIZE)
		abort();
	if (fault == ZOMBIES && fork() == 0)
		_exit(0);
	if (fault == FIRST_WORD)
		(void)recv(fd, &first, 1, MSG_PEEK);
	for (i = 0; fault == REPLACES && others >= 19 && i < CLIENTS; i++)
		if (clients[i] != NULL && (eldest == -1 ||
		    clients[i]->since < clients[eldest]->since))
			eldest = i;
	if (eldest != -1)
		drop(eldest);
}

static void
accept_one(int listener)
{
	struct client *c;
	int fd, i, others = 0;

	if ((fd = accept(listener, NULL, NULL)) == -1) {
		if (fault == ACCEPT_ERROR && errno != EAGAIN)
			err(1, "accept");
		return;
	}
	for (i = 0; i < CLIENTS; i++)
		others += clients[i] != NULL;
	accepted_one(fd, others);
	for (i = 0; i < CLIENTS && clients[i] != NULL; i++)
		continue;
	if (fault == KEEPS_EXCESS && others >= TABLE_SIZE)
		return;
	if (fault == REFUSES_NEXT && refusals > 0) {
		refusals = 0;
		i = CLIENTS;
	}
	if (i == CLIENTS || (fault == TIRES && accepted >= 60)) {
		close(fd);
		return;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "a client");
	if (++accepted == 256 && fault == TIRES_LATE)
		abort();
	*c = inherited;
	memset(&inherited, 0, sizeof(inherited));
	c->fd = fd;
	c->closed = -1;
	c->since = now();
	memcpy(c->in, left, nleft);
	c->have = nleft;
	nleft = 0;
	newest = clients[i] = c;
}

static int
listen_at(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_USAGE, "a socket's path has at most %zu bytes: %s",
		    sizeof(address.sun_path) - 1, path);
	strcpy(address.sun_path, path);
	unlink(path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		err(1, "bind %s", path);
	if (listen(fd, 128) == -1)
		err(1, "listen %s", path);
	puts("listening");
	fflush(stdout);
	return fd;
}

static int
wants_out(const struct client *c)
{
	return fault == SPINS_IDLE || (c->queued > 0 && fault != NO_POLLOUT);
}

/* -1: drop the client. */
static int
heard(struct client *c)
{
	int rv = input(c);

	if (rv == -1 && fault == STOPS && c->refused) {
		c->stopped = 1;
		return 0;
	}
	return rv;
}

/* In milliseconds: a right daemon waits for ever. */
static int
pause_of_poll(void)
{
	int i;

	for (i = 0; fault == SPINS_CUT && i < CLIENTS; i++)
		if (clients[i] != NULL && clients[i]->have > 0)
			return 0;
	return fault == IMPATIENT ? HALF_A_SECOND / 10 : -1;
}

static void __attribute__((noreturn))
serve(int listener)
{
	static struct pollfd polled[CLIENTS + 1];
	static int index[CLIENTS + 1];
	int i, k, n, most = fault == TEN_CLIENTS ? 10 : CLIENTS;

	for (;;) {
		for (i = 0, n = 0; i < CLIENTS && n < most; i++)
			if (clients[i] != NULL) {
				polled[n].fd = clients[i]->stopped ? -1 :
				    clients[i]->fd;
				polled[n].events = (short)(POLLIN |
				    (wants_out(clients[i]) ? POLLOUT : 0));
				clients[i]->heard = 0;
				index[n++] = i;
			}
		polled[n].fd = listener;
		polled[n].events = POLLIN;
		if (poll(polled, (nfds_t)n + 1, pause_of_poll()) == -1 &&
		    errno != EINTR)
			err(1, "poll");
		for (k = 0; k < n; k++) {
			i = index[k];
			if (clients[i] == NULL)
				continue;
			if (((polled[k].revents & (POLLIN | POLLHUP)) != 0 &&
			    heard(clients[i]) == -1) ||
			    (polled[k].revents & POLLERR) != 0)
				drop(i);
		}
		for (i = 0; i < CLIENTS; i++)
			if (clients[i] != NULL && ((!(fault == NO_POLLOUT &&
			    !clients[i]->heard) && output(clients[i]) == -1) ||
			    (fault == IMPATIENT &&
			    now() - clients[i]->since > HALF_A_SECOND)))
				drop(i);
		if (polled[n].revents != 0)
			accept_one(listener);
	}
}

int
main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 }, few_open = { FEW_OPEN, FEW_OPEN };
	int option;

	while ((option = getopt(argc, argv, "clh")) != -1)
		switch (option) {
		case 'c':
			classic = 1;
			break;
		case 'l':
			list();
			return 0;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2)
		usage();
	if (argc == 2)
		fault = named(argv[1]);
	path = argv[0];
	if (fault == ACCEPT_ERROR)
		(void)setrlimit(RLIMIT_NOFILE, &few_open);
	if (fault == DEAD_PID && (dead = (uint32_t)fork()) == 0)
		_exit(0);
	if (fault == DEAD_PID)
		(void)waitpid((pid_t)dead, NULL, 0);
	/* A crash that is meant leaves no file. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	serve(listen_at());
}
