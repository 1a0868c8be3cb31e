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
 * A process for each connection, the way of inetd and sshd: forks, and the
 * child, whose root is an empty directory and whose user has no other
 * process, writes the time of the accept, eight bytes of CLOCK_MONOTONIC.
 * Says "ready", and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 128 };

static void	serve(int, uid_t, const char *);

int
main(int argc, char *argv[])
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct pollfd ready[2] = { { .events = POLLIN }, { .events = POLLIN } };
	uid_t uid;
	int listener;

	if (argc != 4) {
		fprintf(stderr, "usage: bench-fork socket uid directory\n");
		return 2;
	}
	if (strlen(argv[1]) >= sizeof(sun.sun_path))
		errx(1, "%s: longer than an address", argv[1]);
	strcpy(sun.sun_path, argv[1]);
	uid = strtoul(argv[2], NULL, 10);
	/* Children are waited for by the kernel. */
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		err(1, "signal");
	if ((listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(listener, BACKLOG) == -1)
		err(1, "%s", argv[1]);
	ready[1].fd = listener;
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(ready, 2, -1) == -1)
			err(1, "poll");
		if (ready[0].revents != 0)
			return 0;
		if (ready[1].revents != 0)
			serve(listener, uid, argv[3]);
	}
}

static void
serve(int listener, uid_t uid, const char *directory)
{
	struct timespec now;
	uint64_t accepted;
	int connection;

	if ((connection = accept(listener, NULL, NULL)) == -1)
		err(1, "accept");
	clock_gettime(CLOCK_MONOTONIC, &now);
	accepted = now.tv_sec * (uint64_t)1000000000 + now.tv_nsec;
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (chroot(directory) == -1 || chdir("/") == -1 ||
		    setgroups(0, NULL) == -1 || setresgid(uid, uid, uid) == -1 ||
		    setresuid(uid, uid, uid) == -1 ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
			err(1, "giving up rights");
		if (write(connection, &accepted, sizeof(accepted)) == -1)
			err(1, "write");
		_exit(0);
	}
	close(connection);
}
