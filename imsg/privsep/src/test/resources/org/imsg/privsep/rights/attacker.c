/*
 * attacker clone 0: leaves 20 children that have ended to its parent, and ends.
 * attacker signal|limit PID: tries its luck with the threads of a process that the system is about to start, until standard
 * input ends, and prints how often it hit. The signal has no visible effect on other programs.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
newest(void)
{
	FILE *f = fopen("/proc/loadavg", "r");
	int id = 0;

	if (f == NULL || fscanf(f, "%*f %*f %*f %*d/%*d %d", &id) != 1)
		id = 0;
	if (f != NULL)
		fclose(f);
	return id;
}

int
main(int argc, char **argv)
{
	struct pollfd input = {0, POLLIN, 0};
	struct rlimit limit = {64, 64};
	int hits = 0, pid, limits;

	if (argc != 3)
		return 2;
	if (argv[1][0] == 'c') {
		/* children of its parent, which did not start them */
		for (int again = 0; again < 20; again++)
			if (syscall(SYS_clone, 0x8000 | SIGCHLD, 0, 0, 0, 0) == 0)
				_exit(0);
		return 0;
	}
	limits = argv[1][0] == 'l';
	pid = atoi(argv[2]);
	puts("!");
	fflush(stdout);
	while (poll(&input, 1, 0) == 0) {
		int id = newest();

		for (int again = 0; again < 100; again++)
			for (int tid = id - 3; tid < id + 8; tid++)
				if (tid > pid && syscall(SYS_tgkill, pid, tid, 0) == 0)
					hits += limits
					    ? prlimit(tid, RLIMIT_NOFILE, &limit, NULL) == 0
					    : syscall(SYS_tgkill, pid, tid, SIGURG) == 0;
	}
	printf("%d hits\n", hits);
	return 0;
}
