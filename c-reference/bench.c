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
 * A program that benchmarks/ measures, one end of a socket. It does what stdin
 * says, a line each, and says on stdout what it took:
 *
 *     bench-* [-s FD] [-z SIZE] [-d EVERY] [-b MESSAGES]
 *             [-B BYTES] [-p FILE] [-n] [-f] [-t] ROLE [ARG...]
 *
 * -n sends the same descriptor each time, -f has bench-floor frame messages, -t
 * starts a second thread that does nothing: from then on Linux counts
 * references to files in every call, as it does for a JVM.
 *
 * ROLE send, receive, ping or pong; each command is "COUNT" or, to ping at a
 * fixed rate, "COUNT INTERVAL" with nanoseconds. The answer is a line of
 * "name=number": start and end by CLOCK_MONOTONIC, cpu of this process, all in
 * nanoseconds, and what arrived. ping writes a 32-bit number of nanoseconds for
 * each round trip to FILE.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

struct job job = { .size = 64, .batch = 512, .batch_bytes = 65536 };
struct tally tally;

static unsigned char *bytes;
/* what every descriptor sent is a duplicate of */
static int carried = -1;
static const char *samples_path;

static void
usage(void)
{
	fprintf(stderr,
	    "usage: bench-* [-s FD] [-z SIZE] [-d EVERY] [-b MESSAGES]\n"
	    "               [-B BYTES] [-p FILE] [-n] [-f] [-t]\n"
	    "               send|receive|ping|pong [ARG...]\n");
	exit(2);
}

const unsigned char *
payload(void)
{
	return bytes;
}

int
descriptor_for(uint64_t index)
{
	int fd;

	if (job.every == 0 || index % job.every != 0)
		return -1;
	if (job.bare)
		return carried;
	if ((fd = fcntl(carried, F_DUPFD_CLOEXEC, 0)) == -1)
		err(1, "dup");
	return fd;
}

static uint64_t
nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * With an interval, time counts from when the ping should have gone: a late
 * answer delays those behind it, too.
 */
static void
ping(uint64_t count, uint64_t interval)
{
	static uint32_t *samples;
	static uint64_t room;
	uint64_t start, begin, end, i;
	size_t size = count * sizeof(*samples);
	int fd;

	if (count > room) {
		if ((samples = realloc(samples, size)) == NULL)
			err(1, "samples");
		room = count;
	}
	start = nanoseconds(CLOCK_MONOTONIC);
	for (i = 0; i < count; i++) {
		begin = nanoseconds(CLOCK_MONOTONIC);
		if (interval > 0) {
			while (begin < start + i * interval)
				begin = nanoseconds(CLOCK_MONOTONIC);
			begin = start + i * interval;
		}
		transport_send(1);
		transport_receive(1);
		end = nanoseconds(CLOCK_MONOTONIC);
		samples[i] = end - begin > UINT32_MAX ? UINT32_MAX :
							(uint32_t)(end - begin);
	}
	if (samples_path == NULL)
		return;
	if ((fd = open(samples_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		 0666)) == -1 ||
	    write(fd, samples, size) != (ssize_t)size)
		err(1, "%s", samples_path);
	close(fd);
}

static void
pong(uint64_t count)
{
	while (count-- > 0) {
		transport_receive(1);
		transport_send(1);
	}
}

static void
serve(const char *role)
{
	char line[128];
	uint64_t count, interval, start, end, cpu;

	puts("ready");
	while (fflush(stdout) == 0 && fgets(line, sizeof(line),
	    stdin) != NULL) {
		interval = 0;
		if (sscanf(line, "%" SCNu64 " %" SCNu64, &count, &interval) < 1)
			usage();
		memset(&tally, 0, sizeof(tally));
		cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
		start = nanoseconds(CLOCK_MONOTONIC);
		if (strcmp(role, "send") == 0)
			transport_send(count);
		else if (strcmp(role, "receive") == 0)
			transport_receive(count);
		else if (strcmp(role, "ping") == 0)
			ping(count, interval);
		else
			pong(count);
		end = nanoseconds(CLOCK_MONOTONIC);
		cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		printf("start=%" PRIu64 " end=%" PRIu64 " cpu=%" PRIu64
		       " messages=%" PRIu64 " descriptors=%" PRIu64
		       " sum=%" PRIu64 "\n",
		    start, end, cpu, tally.messages, tally.descriptors,
		    tally.sum);
	}
}

static void *
idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void
start_idle_thread(void)
{
	pthread_t thread;

	if ((errno = pthread_create(&thread, NULL, idle, NULL)) != 0)
		err(1, "pthread_create");
}

int
main(int argc, char **argv)
{
	int option, fd = 3;

	while ((option = getopt(argc, argv, "s:z:d:b:B:p:nft")) != -1)
		switch (option) {
		case 's':
			fd = atoi(optarg);
			break;
		case 'z':
			job.size = strtoul(optarg, NULL, 10);
			break;
		case 'd':
			job.every = strtoul(optarg, NULL, 10);
			break;
		case 'b':
			job.batch = strtoul(optarg, NULL, 10);
			break;
		case 'B':
			job.batch_bytes = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			samples_path = optarg;
			break;
		case 'n':
			job.bare = 1;
			break;
		case 'f':
			job.framed = 1;
			break;
		case 't':
			start_idle_thread();
			break;
		default:
			usage();
		}
	if (optind == argc)
		usage();
	job.args = argv + optind + 1;
	if ((bytes = malloc(job.size + 1)) == NULL)
		err(1, "payload");
	memset(bytes, 1, job.size + 1);
	if ((carried = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1)
		err(1, "/dev/null");
	signal(SIGPIPE, SIG_IGN);
	transport_open(fd);
	serve(argv[optind]);
	return 0;
}
