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
 * What the files of imsg-peer share. imsg-peer.c calls the modes, the modes
 * call the channel, and none calls back.
 */
#ifndef IMSG_PEER_H
#define IMSG_PEER_H

#include <sys/types.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<sys/queue.h>)
#include <sys/queue.h> /* OpenBSD's own imsg.h needs it included first */
#endif
#endif
#include <imsg.h>

enum { EXIT_USAGE = 2, EXIT_PROTOCOL = 3 };

/* What the command line says about the messages to send. */
struct options {
	uint32_t	max_payload;
	uint64_t	count;
	size_t		size;
	uint32_t	type;
	int		has_id;
	uint32_t	id;
	pid_t		pid;
};

extern struct options options;
extern struct imsgbuf channel;

/* imsg-peer-channel.c */
uint64_t number(const char *, const char *, uint64_t);
const unsigned char *pattern(uint64_t, size_t);
uint32_t id_of(uint64_t);
int open_file(const char *);
void finish(void);

/* imsg-peer-modes.c: written to imsg(3) alone */
void echo(void);
void pingpong(void);
void recvfd(const char *);
void count_fds(void);
void sink(void);
void source(void);
void sendfd(char **);

/* imsg-peer-raw.c: byte by byte, for what imsg(3) would not do */
void split(uint64_t, const char *);
void late(uint64_t, const char *);
void dribble(uint64_t, const char *);
void misbehave(const char *);

#endif
