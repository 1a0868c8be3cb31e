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
 * Keeps a processor from going to sleep: runs only when nothing else wants it,
 * and gives way at once. On a virtual machine a processor that sleeps has to be
 * woken by the host, which takes the host's time and not the measured
 * program's. Says "ready", and ends when its standard input does.
 */
#define _GNU_SOURCE
#include <err.h>
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

	if (sched_setscheduler(0, SCHED_IDLE, &none) == -1)
		err(1, "SCHED_IDLE");
#else
	errx(1, "this system has no SCHED_IDLE");
#endif
	puts("ready");
	fflush(stdout);
	do {
		for (turns = 0; turns < TURNS; turns++)
			;
	} while (poll(&input, 1, 0) == 0);
	return 0;
}
