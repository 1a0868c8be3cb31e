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
 * What a benchmark driver is made of: bench.c has the command line and the
 * loops, one file for each way to send.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stddef.h>

enum { BENCH_HEADER = 16 };

/* What the command line says, the same for every way to send. */
struct job {
	size_t		size;		/* payload bytes of a message */
	/* each how manyth message carries a descriptor, 0: none does */
	uint64_t	every;
	uint64_t	batch;		/* messages gathered before a write */
	/* or bytes, whichever is reached first */
	size_t		batch_bytes;
	/*
	 * descriptors are neither duplicated for a message nor closed after it
	 */
	int		bare;
	/* the floor makes and finds messages, too */
	int		framed;
	char		**args;		/* the arguments after the role */
};

/* What arrived. */
struct tally {
	uint64_t	messages;
	uint64_t	descriptors;
	/*
	 * of ids and of each payload's first byte; 0 where nothing is looked at
	 */
	uint64_t	sum;
};

extern struct job job;
extern struct tally tally;

const unsigned char *payload(void);	/* job.size bytes */
int descriptor_for(uint64_t index);	/* to go with that message, or -1 */

/*
 * One way to send. send and receive return when that many messages are through.
 */
void transport_open(int fd);
void transport_send(uint64_t count);
void transport_receive(uint64_t count);

#endif
