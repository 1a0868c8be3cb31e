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
 * The imsg(3) programming interface of OpenBSD 7.9, implemented by the files in
 * lib/.
 */
#ifndef IMSG_H
#define IMSG_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IBUF_READ_SIZE	65535
#define MAX_IMSGSIZE	16384
#define IMSG_HEADER_SIZE	sizeof(struct imsg_hdr)

struct iovec;
struct msgbuf;
struct ibufqueue;

/*
 * Complete only because callers keep borrowed buffers on their stack
 * (ibuf_from_buffer, ibuf_get_ibuf, imsg_get_ibuf). Its members belong to the
 * library.
 */
struct ibuf {
	struct ibuf	*next;	/* in the one queue it is on */
	unsigned char	*bytes;
	size_t		begin;	/* next byte to read */
	size_t		end;	/* next byte to write */
	size_t		room;	/* allocated */
	size_t		limit;	/* may grow up to this */
	int		fd;	/* travels with the buffer, or -1 */
	/* the bytes belong to the caller: read only, never freed */
	int		borrowed;
};

/*
 * Members of this one are used by existing programs, so they keep their names.
 */
struct imsgbuf {
	struct msgbuf	*w;
	pid_t		pid;
	uint32_t	maxsize;	/* counts the header */
	int		fd;
	int		flags;
};

/*
 * A header as the program sees it, in either wire format: len counts the header
 * and is free of marks.
 */
struct imsg_hdr {
	uint32_t	type;
	uint32_t	len;
	uint32_t	peerid;
	uint32_t	pid;
};

struct imsg {
	struct imsg_hdr	hdr;
	void		*data;	/* NULL without payload */
	struct ibuf	*buf;
};

/* ibuf.c and ibuf-int.c: buffers */
struct ibuf *ibuf_open(size_t);
struct ibuf *ibuf_dynamic(size_t, size_t);
void ibuf_free(struct ibuf *);
void ibuf_from_buffer(struct ibuf *, void *, size_t);
void ibuf_from_ibuf(struct ibuf *, const struct ibuf *);

void *ibuf_data(const struct ibuf *);
size_t ibuf_size(const struct ibuf *);
size_t ibuf_left(const struct ibuf *);
int ibuf_set_maxsize(struct ibuf *, size_t);
int ibuf_truncate(struct ibuf *, size_t);
void ibuf_rewind(struct ibuf *);
int ibuf_skip(struct ibuf *, size_t);

void *ibuf_reserve(struct ibuf *, size_t);
int ibuf_add(struct ibuf *, const void *, size_t);
int ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int ibuf_add_zero(struct ibuf *, size_t);
int ibuf_add_strbuf(struct ibuf *, const char *, size_t);
int ibuf_add_n8(struct ibuf *, uint64_t);
int ibuf_add_n16(struct ibuf *, uint64_t);
int ibuf_add_n32(struct ibuf *, uint64_t);
int ibuf_add_n64(struct ibuf *, uint64_t);
int ibuf_add_h16(struct ibuf *, uint64_t);
int ibuf_add_h32(struct ibuf *, uint64_t);
int ibuf_add_h64(struct ibuf *, uint64_t);

void *ibuf_seek(struct ibuf *, size_t, size_t);
int ibuf_set(struct ibuf *, size_t, const void *, size_t);
int ibuf_set_n8(struct ibuf *, size_t, uint64_t);
int ibuf_set_n16(struct ibuf *, size_t, uint64_t);
int ibuf_set_n32(struct ibuf *, size_t, uint64_t);
int ibuf_set_n64(struct ibuf *, size_t, uint64_t);
int ibuf_set_h16(struct ibuf *, size_t, uint64_t);
int ibuf_set_h32(struct ibuf *, size_t, uint64_t);
int ibuf_set_h64(struct ibuf *, size_t, uint64_t);

int ibuf_get(struct ibuf *, void *, size_t);
int ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int ibuf_get_n8(struct ibuf *, uint8_t *);
int ibuf_get_n16(struct ibuf *, uint16_t *);
int ibuf_get_n32(struct ibuf *, uint32_t *);
int ibuf_get_n64(struct ibuf *, uint64_t *);
int ibuf_get_h16(struct ibuf *, uint16_t *);
int ibuf_get_h32(struct ibuf *, uint32_t *);
int ibuf_get_h64(struct ibuf *, uint64_t *);
char *ibuf_get_string(struct ibuf *, size_t);
int ibuf_get_strbuf(struct ibuf *, char *, size_t);

int ibuf_fd_avail(struct ibuf *);
int ibuf_fd_get(struct ibuf *);
void ibuf_fd_set(struct ibuf *, int);

/* ibufq.c: queues of buffers */
struct ibufqueue *ibufq_new(void);
void ibufq_free(struct ibufqueue *);
struct ibuf *ibufq_pop(struct ibufqueue *);
void ibufq_push(struct ibufqueue *, struct ibuf *);
uint32_t ibufq_queuelen(struct ibufqueue *);
void ibufq_concat(struct ibufqueue *, struct ibufqueue *);
void ibufq_flush(struct ibufqueue *);

/* msgbuf.c: moving queues through a descriptor */
struct msgbuf *msgbuf_new(void);
struct msgbuf *msgbuf_new_reader(
    size_t, struct ibuf *(*)(struct ibuf *, void *, int *), void *);
void msgbuf_free(struct msgbuf *);
void msgbuf_clear(struct msgbuf *);
void msgbuf_concat(struct msgbuf *, struct ibufqueue *);
uint32_t msgbuf_queuelen(struct msgbuf *);
struct ibuf *msgbuf_get(struct msgbuf *);
void ibuf_close(struct msgbuf *, struct ibuf *);
int ibuf_write(int, struct msgbuf *);
int msgbuf_write(int, struct msgbuf *);
int ibuf_read(int, struct msgbuf *);
int msgbuf_read(int, struct msgbuf *);

/* imsg.c: messages */
int imsgbuf_init(struct imsgbuf *, int);
void imsgbuf_allow_fdpass(struct imsgbuf *);
int imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
int imsgbuf_read(struct imsgbuf *);
int imsgbuf_write(struct imsgbuf *);
int imsgbuf_flush(struct imsgbuf *);
void imsgbuf_clear(struct imsgbuf *);
uint32_t imsgbuf_queuelen(struct imsgbuf *);
int imsgbuf_get(struct imsgbuf *, struct imsg *);

struct ibuf *imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t, size_t);
int imsg_add(struct ibuf *, const void *, size_t);
int imsg_set_maxsize(struct ibuf *, size_t);
void imsg_close(struct imsgbuf *, struct ibuf *);
int imsg_compose(
    struct imsgbuf *, uint32_t, uint32_t, pid_t, int, const void *, size_t);
int imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t, int,
    const struct iovec *, int);
int imsg_compose_ibuf(
    struct imsgbuf *, uint32_t, uint32_t, pid_t, struct ibuf *);
int imsg_forward(struct imsgbuf *, struct imsg *);

ssize_t imsg_get(struct imsgbuf *, struct imsg *);
int imsg_get_ibuf(struct imsg *, struct ibuf *);
int imsg_get_data(struct imsg *, void *, size_t);
int imsg_get_buf(struct imsg *, void *, size_t);
int imsg_get_strbuf(struct imsg *, char *, size_t);
int imsg_get_fd(struct imsg *);
uint32_t imsg_get_id(struct imsg *);
size_t imsg_get_len(struct imsg *);
pid_t imsg_get_pid(struct imsg *);
uint32_t imsg_get_type(struct imsg *);
void imsg_free(struct imsg *);
int imsg_ibufq_pop(struct ibufqueue *, struct imsg *);
void imsg_ibufq_push(struct ibufqueue *, struct imsg *);

#ifdef __cplusplus
}
#endif

#endif
