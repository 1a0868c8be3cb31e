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

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 16, LIMIT = 16384, CLIENTS = 900, PASSED = 253, ROOM = 65536 };
enum { ECHO = 1, COUNT = 2, TAKE = 3 };	/* types that are answered */
enum { EXIT_USAGE = 2 };

/*
 * The name, the type of the request that shows it, and c for a crash that one
 * client can cause by what it says, f for any other fault.
 */
#define FAULTS(X)                                                              \
	X(NONE, "none", ECHO, '-', "all is right")                             \
	X(SHORT_LENGTH, "short-length", ECHO, 'f',                             \
	    "takes a length below 16 for 16")                                  \
	X(SHORT_KNOWN, "short-length-known", ECHO, 'f',                        \
	    "the same, of a type that it knows")                               \
	X(NO_LIMIT, "no-limit", ECHO, 'f', "waits for a message of any size")  \
	X(NO_LIMIT_KNOWN, "no-limit-known", ECHO, 'f',                         \
	    "the same, of a type that it knows")                               \
	X(LOW_LIMIT, "low-limit", ECHO, 'f', "refuses the longest message")    \
	X(PAYLOAD_LENGTH, "payload-length", ECHO, 'f',                         \
	    "takes the length of a type it does not know for the payload's")   \
	X(FORGETS_PART, "forgets-part", ECHO, 'f',                             \
	    "forgets what is no whole message at the end of a read")           \
	X(WAITS_FOR_HEADER, "waits-for-header", ECHO, 'f',                     \
	    "waits for the rest of a header, all clients with it")             \
	X(WAITS_FOR_PAYLOAD, "waits-for-payload", ECHO, 'f',                   \
	    "waits for the rest of a payload, all clients with it")            \
	X(ONE_A_READ, "one-a-read", ECHO, 'f',                                 \
	    "forgets what is behind the first message of a read")              \
	X(LATE_SECOND, "late-second", ECHO, 'f',                               \
	    "looks at the second message of a read when more comes")           \
	X(DROPS_BODY, "drops-cut-body", ECHO, 'f',                             \
	    "a payload that comes after its header reads as zeros")            \
	X(BODY_AS_HEADER, "body-as-header", ECHO, 'f',                         \
	    "takes the payload of a type it does not know for messages")       \
	X(TWICE, "twice", ECHO, 'f', "answers twice")                          \
	X(TWICE_IF_CUT, "twice-if-cut", ECHO, 'f',                             \
	    "answers twice what came in two reads")                            \
	X(OTHER_ID, "other-id", ECHO, 'f', "answers another peerid")           \
	X(SWAPPED_ID, "swapped-id", ECHO, 'f',                                 \
	    "answers the peerid in the other byte order")                      \
	X(STALE_ID, "stale-id", ECHO, 'f',                                     \
	    "answers the peerid of the message before")                        \
	X(OTHER_PID, "other-pid", ECHO, 'f', "answers a pid of no process")    \
	X(OTHER_TYPE, "other-type", ECHO, 'f',                                 \
	    "answers every third time with another type")                      \
	X(SWAPPED_LENGTH, "swapped-length", ECHO, 'f',                         \
	    "answers the length in the other byte order")                      \
	X(SHORT_ANSWER, "short-answer", ECHO, 'f',                             \
	    "the length of an answer does not count the header")               \
	X(TRUNCATES, "truncates", ECHO, 'f',                                   \
	    "answers at most 4096 bytes of payload")                           \
	X(OUT_OF_ORDER, "out-of-order", ECHO, 'f',                             \
	    "answers the messages of one read in reverse")                     \
	X(OTHER_CLIENT, "other-client", ECHO, 'f',                             \
	    "answers the client that connected last")                          \
	X(KEEPS, "keeps-descriptor", ECHO, 'f',                                \
	    "keeps the descriptor of a type that it knows")                    \
	X(KEEPS_UNKNOWN, "keeps-unknown-descriptor", ECHO, 'f',                \
	    "keeps the descriptor of a type that it does not know")            \
	X(KEEPS_UNMARKED, "keeps-unmarked-descriptor", ECHO, 'f',              \
	    "keeps a descriptor that no message marks")                        \
	X(KEEPS_SECOND, "keeps-second-descriptor", ECHO, 'f',                  \
	    "keeps all but the first descriptor of a read")                    \
	X(KEEPS_LATE, "keeps-late-descriptor", ECHO, 'f',                      \
	    "keeps a descriptor that came behind the first byte")              \
	X(CLOSES_TWICE, "closes-twice", ECHO, 'f',                             \
	    "closes a descriptor again when its client leaves")                \
	X(FIRST_MESSAGE, "first-message", TAKE, 'f',                           \
	    "gives a descriptor to the first message of a read")               \
	X(LAST_MESSAGE, "last-message", TAKE, 'f',                             \
	    "gives a descriptor to the message behind its own")                \
	X(IGNORES_DESCRIPTOR, "ignores-descriptor", TAKE, 'f',                 \
	    "closes a descriptor that came with a cut message")                \
	X(WAITS_FOR_DESCRIPTOR, "waits-for-descriptor", ECHO, 'f',             \
	    "waits for the descriptor of a mark")                              \
	X(MARK_IN_LENGTH, "mark-in-length", ECHO, 'f',                         \
	    "reads the mark as a part of the length")                          \
	X(IGNORES_END, "ignores-end", ECHO, 'f',                               \
	    "does not close when its client has ended")                        \
	X(KEEPS_SOCKET, "keeps-socket", ECHO, 'f',                             \
	    "forgets a client without closing its socket")                     \
	X(KEEPS_INPUT, "keeps-input", ECHO, 'f',                               \
	    "the next client begins with what the last had left")              \
	X(BLOCKS, "blocks", ECHO, 'f',                                         \
	    "waits for a client that does not read, all others with it")       \
	X(DROPS_ANSWERS, "drops-answers", ECHO, 'f',                           \
	    "forgets answers when there are many")                             \
	X(TEN_CLIENTS, "ten-clients", ECHO, 'f', "serves ten clients at once") \
	X(TIRES, "tires", ECHO, 'f', "accepts sixty clients")            \
	X(SIGPIPE_KILLS, "sigpipe", ECHO, 'f',                                 \
	    "dies of an answer to a client that has left")                     \
	X(HIGH_LIMIT, "high-limit", ECHO, 'f',                                 \
	    "takes one byte more than the longest message has")                \
	X(MARK_KNOWN, "mark-in-length-known", ECHO, 'f',                       \
	    "reads the mark as a part of the length of a type that it knows")  \
	X(WAITS_KNOWN, "waits-for-descriptor-known", ECHO, 'f',                \
	    "waits for the descriptor of a mark of a type that it knows")      \
	X(SHORT_TYPE, "short-type", ECHO, 'f',                                 \
	    "looks at sixteen bits of a type")                                 \
	X(TAKES_REST, "takes-rest", ECHO, 'f',                                 \
	    "takes what there is at the end for a whole message")              \
	X(SKIPS, "skips-refused", ECHO, 'f',                                   \
	    "answers what stands behind a length that it refuses")             \
	X(SHARED, "shared-input", ECHO, 'f',                                   \
	    "forgets a part of a message when another client says something")  \
	X(CLOSES_OTHER, "closes-other", ECHO, 'f',                             \
	    "closes all connections for a length that it refuses")             \
	X(LARGE_ID, "large-id", ECHO, 'f',                                     \
	    "answers 31 bits of a peerid")                                     \
	X(SHORT_PID, "short-pid", ECHO, 'f', "answers 8 bits of its pid")      \
	X(MARKS_ANSWERS, "marks-answers", ECHO, 'f',                           \
	    "marks an answer that has no descriptor")                          \
	X(DROPS_LAST, "drops-last-byte", ECHO, 'f',                            \
	    "answers the longest payload without its last byte")               \
	X(DROPS_PAGE, "drops-page-byte", ECHO, 'f',                            \
	    "answers a payload of 4096 bytes without its last byte")           \
	X(DROPS_REST, "drops-rest", ECHO, 'f',                                 \
	    "forgets what of its answers a write does not take")               \
	X(MOVES_ONE, "moves-one", ECHO, 'f',                                   \
	    "answers the sixteenth message of a read last")                    \
	X(TWICE_LATE, "twice-late", ECHO, 'f',                                 \
	    "answers every 500th message of a client twice")                   \
	X(KEEPS_REFUSED, "keeps-refused-socket", ECHO, 'f',                    \
	    "ends a refused client without closing its socket")                \
	X(KEEPS_REFUSED_FD, "keeps-refused-descriptor", ECHO, 'f',             \
	    "keeps a descriptor that came with a length that it refuses")      \
	X(KEEPS_WRONG_FD, "keeps-wrong-descriptor", COUNT, 'f',                \
	    "keeps a descriptor that came with a payload that it refuses")     \
	X(LEAKS, "leaks-refused", ECHO, 'f',                                   \
	    "keeps the memory of a refused client")                            \
	X(LEAKS_CLIENT, "leaks-client", ECHO, 'f',                             \
	    "keeps the memory of a client that has left")                      \
	X(LEAKS_MESSAGE, "leaks-message", ECHO, 'f',                           \
	    "keeps the memory of each message")                                \
	X(TIRES_LATE, "tires-late", ECHO, 'f', "dies of the 256th client")     \
	X(CRASH_EMPTY, "crash-empty", ECHO, 'c', "dies of an empty payload")   \
	X(CRASH_SHORT, "crash-short-length", ECHO, 'c',                        \
	    "dies of a length below 16")                                       \
	X(CRASH_LONG, "crash-long-length", ECHO, 'c',                          \
	    "dies of a length over the limit")                                 \
	X(CRASH_MARK, "crash-mark", ECHO, 'c',                                 \
	    "dies of a mark without a descriptor")                             \
	X(CRASH_UNKNOWN, "crash-unknown-type", ECHO, 'c',                      \
	    "dies of a type that is no index of its table")                    \
	X(CRASH_COUNT, "crash-count", COUNT, 'c',                              \
	    "believes a count in a payload")                                   \
	X(CRASH_HALF, "crash-half-header", ECHO, 'c',                          \
	    "dies of an end inside a header")                                  \
	X(CRASH_SPLIT, "crash-split-header", ECHO, 'c',                        \
	    "dies of a header that comes in two reads")                        \
	X(CRASH_SILENT, "crash-silent", ECHO, 'c',                             \
	    "dies of a client that leaves without a word")                     \
	X(CRASH_RESET, "crash-reset", ECHO, 'f',                               \
	    "dies of a connection that is reset")                              \
	X(CRASH_ID, "crash-peerid", ECHO, 'c',                                 \
	    "dies of a peerid that is no index of its table")                  \
	X(CRASH_PID, "crash-pid", ECHO, 'c', "dies of a pid of -1")

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
	int		 spoke, refused, said;
	unsigned char	*out;
	size_t		 queued, room;
};

static struct client *clients[CLIENTS];
static struct client *newest;
static enum fault fault;
static int classic, accepted, answered, in_read;
static uint32_t last_id;
static unsigned char left[HEADER];	/* of the client that left last */
static size_t nleft;

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
	return classic ? h->word & 0xffff : fault == MARK_IN_LENGTH ||
	    (fault == MARK_KNOWN && h->type <= TAKE) ? h->word : h->word & 0x7fffffff;
}

static int
marked(const struct header *h)
{
	return classic ? (h->word >> 16 & 1) != 0 : h->word >> 31 != 0;
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
	if (fault == LARGE_ID)
		h.peerid &= 0x7fffffff;
	if (fault == SHORT_PID)
		h.pid &= 0xff;
	if (fault == OTHER_PID)
		h.pid = 0x7ffffff0u + (uint32_t)answered % 7;
	if (fault == OTHER_TYPE && answered % 3 == 0)
		h.type = 99;
	if (fault == TRUNCATES && n > 4096)
		n = 4096;
	if ((fault == DROPS_LAST && n == LIMIT - HEADER) ||
	    (fault == DROPS_PAGE && n == 4096))
		n--;
	h.word = (uint32_t)(HEADER + n);
	if (fault == MARKS_ANSWERS)
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
		return -1;
	}
	answer(c, h, data + sizeof(wanted), wanted);
	return 0;
}

static int
message(struct client *c, const struct header *h, unsigned char *data,
    size_t n, int fd)
{
	uint32_t got = fd != -1;
	int rv = 0;

	if (fault == CRASH_EMPTY && known(h) && n == 0)
		abort();
	if (fault == CRASH_UNKNOWN && h->type > 64)
		abort();
	if (fault == CRASH_MARK && marked(h) && fd == -1)
		abort();
	if (fault == LEAKS_MESSAGE && malloc(HEADER + n) == NULL)
		err(1, "a message");
	if (fault == CRASH_ID && h->peerid > INT32_MAX)
		abort();
	if (fault == CRASH_PID && h->pid == UINT32_MAX)
		abort();
	if (fault == DROPS_BODY && c->cut)
		memset(data, 0, n);
	if (h->type == ECHO)
		answer(c, h, data, n);
	else if (h->type == COUNT)
		rv = count(c, h, data, n);
	else if (h->type == TAKE)
		answer(c, h, &got, sizeof(got));
	if (fd == -1 || (fault == KEEPS && known(h)) ||
	    (fault == KEEPS_UNKNOWN && !known(h)) ||
	    (fault == KEEPS_WRONG_FD && rv == -1))
		return rv;
	close(fd);
	c->closed = fd;
	return rv;
}

static int
too_short(const struct header *h)
{
	if (length(h) >= HEADER)
		return 0;
	if (fault == CRASH_SHORT)
		abort();
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
	if (too_short(&h) || too_long(&h)) {
		c->refused = 1;
		if (fault == SKIPS)
			(void)messages(c, at + HEADER);
		return -1;
	}
	size = length(&h) < HEADER ? HEADER : length(&h);
	if (fault == PAYLOAD_LENGTH && !known(&h))
		size += HEADER;
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
	if (fault == ONE_A_READ)
		return (ssize_t)c->have;
	if (fault == LATE_SECOND)
		return (ssize_t)(at + size);
	return messages(c, at + size);
}

static void
take_descriptors(struct client *c, struct msghdr *m)
{
	struct cmsghdr *x;
	int fds[PASSED], i, n, late = c->have > 0;

	for (x = CMSG_FIRSTHDR(m); x != NULL; x = CMSG_NXTHDR(m, x)) {
		if (x->cmsg_level != SOL_SOCKET || x->cmsg_type != SCM_RIGHTS)
			continue;
		n = (int)((x->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(x), (size_t)n * sizeof(int));
		for (i = 0; i < n; i++)
			if (i == 0 && c->nfds < PASSED &&
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

	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC |
	    (wants_rest(c) ? 0 : MSG_DONTWAIT));
	if (n > 0)
		take_descriptors(c, &m);
	return n;
}

static int
output(struct client *c)
{
	ssize_t n;

	while (c->queued > 0) {
		n = send(c->fd, c->out, c->queued,
		    (fault == SIGPIPE_KILLS ? 0 : MSG_NOSIGNAL) |
		    (fault == BLOCKS ? 0 : MSG_DONTWAIT));
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
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

/* -1: drop the client. */
static int
input(struct client *c)
{
	ssize_t n, done;
	size_t before, i;

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
			return fault == IGNORES_END ? 0 : -1;
		}
		if (fault == CRASH_SPLIT && before > 0 && before < HEADER)
			abort();
		c->spoke = 1;
		c->cut |= before > 0;
		c->have += (size_t)n;
	} while (wants_rest(c));
	for (i = 0; fault == SHARED && i < CLIENTS; i++)
		if (clients[i] != NULL && clients[i] != c)
			clients[i]->have = 0;
	in_read = 0;
	if ((done = messages(c, 0)) == -1)
		return -1;
	while (fault == KEEPS_UNMARKED ? 0 : c->nfds > 0 && done > 0 &&
	    (size_t)done == c->have)
		close(c->fds[--c->nfds]);
	if (fault == FORGETS_PART)
		done = (ssize_t)c->have;
	memmove(c->in, c->in + done, c->have - (size_t)done);
	c->have -= (size_t)done;
	return 0;
}

static void
drop(int i)
{
	struct client *c = clients[i];

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
	if (fault != KEEPS_SOCKET && !(fault == KEEPS_REFUSED && c->refused))
		close(c->fd);
	else
		shutdown(c->fd, SHUT_RDWR);
	if (newest == c)
		newest = NULL;
	clients[i] = NULL;
	for (i = 0; fault == CLOSES_OTHER && c->refused && i < CLIENTS; i++)
		if (clients[i] != NULL)
			drop(i);
	if (fault == LEAKS_CLIENT || (fault == LEAKS && c->refused))
		return;
	free(c->out);
	free(c);
}

static void
accept_one(int listener)
{
	struct client *c;
	int fd, i = 0;

	if ((fd = accept(listener, NULL, NULL)) == -1)
		return;
	while (i < CLIENTS && clients[i] != NULL)
		i++;
	if (i == CLIENTS || (fault == TIRES && accepted >= 60)) {
		close(fd);
		return;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "a client");
	if (++accepted == 256 && fault == TIRES_LATE)
		abort();
	c->fd = fd;
	c->closed = -1;
	memcpy(c->in, left, nleft);
	c->have = nleft;
	nleft = 0;
	newest = clients[i] = c;
}

static int
listen_at(const char *path)
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

static void __attribute__((noreturn))
serve(int listener)
{
	static struct pollfd polled[CLIENTS + 1];
	static int index[CLIENTS + 1];
	int i, k, n, most = fault == TEN_CLIENTS ? 10 : CLIENTS;

	for (;;) {
		for (i = 0, n = 0; i < CLIENTS && n < most; i++)
			if (clients[i] != NULL) {
				polled[n].fd = clients[i]->fd;
				polled[n].events = (short)(POLLIN |
				    (clients[i]->queued > 0 ? POLLOUT : 0));
				index[n++] = i;
			}
		polled[n].fd = listener;
		polled[n].events = POLLIN;
		if (poll(polled, (nfds_t)n + 1, -1) == -1)
			err(1, "poll");
		for (k = 0; k < n; k++) {
			i = index[k];
			if (clients[i] == NULL)
				continue;
			if (((polled[k].revents & (POLLIN | POLLHUP)) != 0 &&
			    input(clients[i]) == -1) ||
			    (polled[k].revents & POLLERR) != 0)
				drop(i);
		}
		for (i = 0; i < CLIENTS; i++)
			if (clients[i] != NULL && output(clients[i]) == -1)
				drop(i);
		if (polled[n].revents != 0)
			accept_one(listener);
	}
}

int
main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };
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
	/* A crash that is meant leaves no file. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	serve(listen_at(argv[0]));
}
