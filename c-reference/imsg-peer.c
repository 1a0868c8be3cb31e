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
 * A program to test an imsg implementation against: the command line and the
 * socket. README.md lists the modes.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg-peer.h"

static const char *listening_at;	/* to be unlinked, or NULL */

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr,
	    "usage: imsg-peer [-s FD | -c PATH | -l PATH] [-m MAXPAYLOAD] "
	    "[-n COUNT]\n"
	    "                 [-z SIZE] [-t TYPE] [-i PEERID] [-p PID] "
	    "MODE [ARG...]\n"
	    "modes: echo, pingpong, source, sink, sendfd FILE..., recvfd TEXT\n"
	    "       count-fds, split OFFSET [FILE], late OFFSET FILE,\n"
	    "       dribble N [FILE], misbehave KIND\n"
	    "kinds: short-length, zero-length, long-length, huge-length,\n"
	    "       mark-without-fd, fd-without-mark, two-fds,\n"
	    "       fd-then-late-mark, die-in-header, die-in-payload,\n"
	    "       reset, flood\n");
	exit(EXIT_USAGE);
}

static void
unlink_socket(void)
{
	if (listening_at != NULL)
		unlink(listening_at);
}

static void
stopped(int signal_number)
{
	unlink_socket();
	_exit(128 + signal_number);
}

static int
unix_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		errx(EXIT_USAGE, "a socket's path has at most %zu bytes: %s",
		    sizeof(address->sun_path) - 1, path);
	strcpy(address->sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		err(1, "socket");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		err(1, "connect %s", path);
	return fd;
}

static int
accept_one(const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int listener = unix_socket(path, &address), fd;

	/* Removes a socket only, never a file; bind then says what is wrong. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == -1)
		err(1, "bind %s", path);
	listening_at = path;
	atexit(unlink_socket);
	signal(SIGTERM, stopped);
	signal(SIGINT, stopped);
	signal(SIGHUP, stopped);
	if (listen(listener, 1) == -1)
		err(1, "listen %s", path);
	puts("listening");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) == -1)
		if (errno != EINTR && errno != ECONNABORTED)
			err(1, "accept %s", path);
	close(listener);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static void
start(int fd)
{
	struct rlimit limit;
	int flags;

	/*
	 * Inherited, it may be non-blocking; the modes that want that say so
	 * themselves.
	 */
	if ((flags = fcntl(fd, F_GETFL)) == -1 ||
	    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		err(1, "descriptor %d", fd);
	/*
	 * The system's imsg may write without MSG_NOSIGNAL, and the cause must
	 * be printed.
	 */
	signal(SIGPIPE, SIG_IGN);
	/* A queue of messages to be echoed may hold many descriptors. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (imsgbuf_init(&channel, fd) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&channel);
	if (imsgbuf_set_maxsize(&channel, options.max_payload) == -1)
		err(1, "a maximum payload of %u",
		    (unsigned)options.max_payload);
}

struct mode {
	const char	*name;
	int		min, max;	/* of arguments; max -1: any number */
};

static const struct mode modes[] = {
	{ "echo", 0, 0 },
	{ "pingpong", 0, 0 },
	{ "source", 0, 0 },
	{ "sink", 0, 0 },
	{ "sendfd", 1, -1 },
	{ "recvfd", 1, 1 },
	{ "count-fds", 0, 0 },
	{ "split", 1, 2 },
	{ "late", 2, 2 },
	{ "dribble", 1, 2 },
	{ "misbehave", 1, 1 },
};

static void
check_mode(const char *name, int args)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0) {
			if (args < modes[i].min ||
			    (modes[i].max != -1 && args > modes[i].max))
				errx(EXIT_USAGE,
				    "wrong number of arguments for %s", name);
			return;
		}
	errx(EXIT_USAGE, "no such mode: %s", name);
}

static void
run(char **arg)
{
	const char *mode = arg[0];

	if (strcmp(mode, "echo") == 0)
		echo();
	else if (strcmp(mode, "pingpong") == 0)
		pingpong();
	else if (strcmp(mode, "source") == 0)
		source();
	else if (strcmp(mode, "sink") == 0)
		sink();
	else if (strcmp(mode, "sendfd") == 0)
		sendfd(arg + 1);
	else if (strcmp(mode, "recvfd") == 0)
		recvfd(arg[1]);
	else if (strcmp(mode, "count-fds") == 0)
		count_fds();
	else if (strcmp(mode, "split") == 0)
		split(number("OFFSET", arg[1], SIZE_MAX), arg[2]);
	else if (strcmp(mode, "late") == 0)
		late(number("OFFSET", arg[1], SIZE_MAX), arg[2]);
	else if (strcmp(mode, "dribble") == 0)
		dribble(number("N", arg[1], SIZE_MAX), arg[2]);
	else
		misbehave(arg[1]);
}

int
main(int argc, char **argv)
{
	const char *path = NULL;
	int option, how = 's', fd = 3;

	while ((option = getopt(argc, argv, "s:c:l:m:n:z:t:i:p:h")) != -1)
		switch (option) {
		case 's':
			how = 's';
			fd = (int)number("FD", optarg, 1 << 20);
			break;
		case 'c':
		case 'l':
			how = option;
			path = optarg;
			break;
		case 'm':
			options.max_payload = (uint32_t)number("MAXPAYLOAD",
			    optarg, UINT32_MAX);
			break;
		case 'n':
			options.count = number("COUNT", optarg, UINT64_MAX);
			break;
		case 'z':
			options.size = number("SIZE", optarg, UINT32_MAX);
			break;
		case 't':
			options.type = (uint32_t)number("TYPE", optarg,
			    UINT32_MAX);
			break;
		case 'i':
			options.has_id = 1;
			options.id = (uint32_t)number("PEERID", optarg,
			    UINT32_MAX);
			break;
		case 'p':
			options.pid = (pid_t)(uint32_t)number("PID", optarg,
			    UINT32_MAX);
			break;
		default:
			usage();
		}
	if (optind == argc)
		usage();
	check_mode(argv[optind], argc - optind - 1);
	if (how == 'c')
		fd = connect_to(path);
	else if (how == 'l')
		fd = accept_one(path);
	start(fd);
	run(argv + optind);
	imsgbuf_clear(&channel);
	return 0;
}
