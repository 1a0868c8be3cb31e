/* What a benchmark driver is made of: bench.c has the command line and the loops, one file for each way to send. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stddef.h>

enum { BENCH_HEADER = 16 };

/* What the command line says, the same for every way to send. */
struct job {
	size_t   size;          /* payload bytes of a message */
	uint64_t every;         /* each how manyth message carries a descriptor, 0: none does */
	uint64_t batch;         /* messages gathered before a write */
	size_t   batch_bytes;   /* or bytes, whichever is reached first */
	int      bare;          /* descriptors are neither duplicated for a message nor closed after it */
	int      framed;        /* the floor makes and finds messages, too */
	char   **args;          /* what follows the role */
};

/* What arrived. */
struct tally {
	uint64_t messages;
	uint64_t descriptors;
	uint64_t sum;           /* of ids and of each payload's first byte; 0 where nothing is looked at */
};

extern struct job job;
extern struct tally tally;

_Noreturn void fail(const char *what);
const unsigned char *payload(void);     /* job.size bytes */
int descriptor_for(uint64_t index);     /* to go with that message, or -1 */

/* One way to send. send and receive return when that many messages are through. */
void transport_open(int fd);
void transport_send(uint64_t count);
void transport_receive(uint64_t count);

#endif
