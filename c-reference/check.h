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

/* What check-lib.c and check-peer.c share. */
#ifndef CHECK_H
#define CHECK_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#ifdef IMSG_CLASSIC
#define FORMAT	"classic"
#else
#define FORMAT	"modern"
#endif

static const char *running;

/* errno is often what explains it. */
#define CHECK(condition) \
	do {                                                                 \
		if (!(condition)) {                                          \
			fprintf(stderr,                                      \
			    "%s:%d: (%s, %s) not so: %s (errno: %s)\n",      \
			    __FILE__, __LINE__, FORMAT, running, #condition, \
			    strerror(errno));                                \
			exit(1);                                             \
		}                                                            \
	} while (0)

struct test {
	const char	*name;
	void		(*run)(void);
};

static inline int
open_descriptors(void)
{
	int fd, count = 0;

	for (fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			count++;
	return count;
}

/* Every test must end with as many descriptors open as it began with. */
static inline void
run_tests(const struct test *tests, size_t count)
{
	size_t i;
	int before;

	alarm(60);	/* a deadlock is a failure, not a wait */
	for (i = 0; i < count; i++) {
		running = tests[i].name;
		before = open_descriptors();
		tests[i].run();
		CHECK(open_descriptors() == before);
	}
	printf("%zu\n", count);
}

#define RUN(tests) run_tests(tests, sizeof(tests) / sizeof((tests)[0]))

/* A header as raw bytes, so that the library is not its own witness. */
static inline void
raw_header(unsigned char *out, uint32_t type, uint32_t len, int marked,
    uint32_t id, uint32_t pid)
{
	memcpy(out, &type, 4);
#ifdef IMSG_CLASSIC
	memcpy(out + 4, &(uint16_t){ (uint16_t)len }, 2);
	memcpy(out + 6, &(uint16_t){ marked ? 0x0001 : 0 }, 2);
#else
	memcpy(out + 4, &(uint32_t){ len | (marked ? 0x80000000U : 0) }, 4);
#endif
	memcpy(out + 8, &id, 4);
	memcpy(out + 12, &pid, 4);
}

/* Whether a received descriptor is the one sent: its content tells. */
static inline int
same_file(int fd, const char *content)
{
	char buf[64] = "";
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	return n >= 0 && strcmp(buf, content) == 0;
}

static inline int
file_with(const char *content)
{
	FILE *f = tmpfile();
	int fd;

	if (f == NULL || fputs(content, f) == EOF || fflush(f) == EOF ||
	    (fd = dup(fileno(f))) == -1)
		err(1, "tmpfile");
	fclose(f);
	return fd;
}

#endif
