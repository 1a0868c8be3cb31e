/*
 * Keeps a processor from going to sleep: runs only when nothing else wants it, and gives way at once. On a virtual machine
 * a processor that sleeps has to be woken by the host, which takes the host's time and not the measured program's.
 * Says "ready", and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <stdio.h>

enum { TURNS = 1000000 };

int
main(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	volatile unsigned long turns;

#ifdef SCHED_IDLE
	struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &none) == -1) {
		perror("bench-awake: SCHED_IDLE");
		return 1;
	}
#else
	fputs("bench-awake: this system has no SCHED_IDLE\n", stderr);
	return 1;
#endif
	puts("ready");
	fflush(stdout);
	do {
		for (turns = 0; turns < TURNS; turns++)
			;
	} while (poll(&input, 1, 0) == 0);
	return 0;
}
