/* What the three files of imsg-peer share. */
#ifndef IMSG_PEER_H
#define IMSG_PEER_H

#include <sys/types.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<sys/queue.h>)
#include <sys/queue.h>          /* OpenBSD's own imsg.h needs it included first */
#endif
#endif
#include <imsg.h>

enum { EXIT_USAGE = 2, EXIT_PROTOCOL = 3 };

/* What the command line says about the messages to send. */
struct options {
	uint32_t max_payload;
	uint64_t count;
	size_t   size;
	uint32_t type;
	int      has_id;
	uint32_t id;
	pid_t    pid;
};

extern struct options options;
extern struct imsgbuf channel;

/* One line on stderr, then exit. fail adds the text of errno. */
_Noreturn void fail(const char *, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void usage(const char *, ...) __attribute__((format(printf, 1, 2)));
uint64_t number(const char *what, const char *text, uint64_t max);

/* Byte j is (unsigned char)(k + j), for size bytes; valid until the next call with a larger size. */
const unsigned char *pattern(uint64_t k, size_t size);
uint32_t id_of(uint64_t index);
int open_file(const char *path);
void finish(void);              /* flush, and tell the peer that nothing more comes */

/* imsg-peer-modes.c: written to imsg(3) alone */
void echo(void);
void pingpong(void);
void recvfd(const char *text);
void count_fds(void);
void sink(void);
void source(void);
void sendfd(char **files);

/* imsg-peer-raw.c: byte by byte, for what imsg(3) would not do */
void split(uint64_t offset, const char *file);
void late(uint64_t offset, const char *file);
void dribble(uint64_t piece, const char *file);
void misbehave(const char *kind);

#endif
