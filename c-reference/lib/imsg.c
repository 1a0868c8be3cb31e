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
 * Messages: a 16-byte header in one of two wire formats, a payload, perhaps a
 * descriptor.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

enum { FDPASS = 1 };

/*
 * The header on the wire. IMSG_CLASSIC chooses the format used up to
 * OpenBSD 7.6. The two differ in bytes 4 to 7 only, and there only in how a
 * descriptor is marked.
 */
#ifdef IMSG_CLASSIC

struct wire_header {
	uint32_t	type;
	uint16_t	len;
	uint16_t	flags;
	uint32_t	peerid;
	uint32_t	pid;
};

#define LARGEST_MESSAGE	UINT16_MAX
#define HAS_DESCRIPTOR	0x0001

static void
put_length(struct wire_header *h, size_t len, int marked)
{
	h->len = (uint16_t)len;
	h->flags = marked ? HAS_DESCRIPTOR : 0;
}

static uint32_t
length(const struct wire_header *h)
{
	return h->len;
}

static int
marked(const struct wire_header *h)
{
	return (h->flags & HAS_DESCRIPTOR) != 0;
}

#else

struct wire_header {
	uint32_t	type;
	uint32_t	len;
	uint32_t	peerid;
	uint32_t	pid;
};

#define HAS_DESCRIPTOR	UINT32_C(0x80000000)
#define LARGEST_MESSAGE	(HAS_DESCRIPTOR - 1)

static void
put_length(struct wire_header *h, size_t len, int marked)
{
	h->len = (uint32_t)len | (marked ? HAS_DESCRIPTOR : 0);
}

static uint32_t
length(const struct wire_header *h)
{
	return h->len & ~HAS_DESCRIPTOR;
}

static int
marked(const struct wire_header *h)
{
	return (h->len & HAS_DESCRIPTOR) != 0;
}

#endif

_Static_assert(sizeof(struct wire_header) == 16 && IMSG_HEADER_SIZE == 16,
    "a header has 16 bytes");

/*
 * Called by the reader for each header: the buffer that the whole message goes
 * into.
 */
static struct ibuf *
start_message(struct ibuf *header, void *arg, int *fd)
{
	const struct imsgbuf *imsgbuf = arg;
	struct wire_header h;
	struct ibuf *msg;

	if (ibuf_get(header, &h, sizeof(h)) == -1)
		return NULL;
	if (length(&h) < sizeof(h) || length(&h) > imsgbuf->maxsize) {
		errno = ERANGE;
		return NULL;
	}
	if ((msg = ibuf_open(length(&h))) != NULL && marked(&h)) {
		ibuf_fd_set(msg, *fd);
		*fd = -1;
	}
	return msg;
}

int
imsgbuf_init(struct imsgbuf *imsgbuf, int fd)
{
	struct msgbuf *w;

	w = msgbuf_new_reader(sizeof(struct wire_header), start_message,
	    imsgbuf);
	if (w == NULL)
		return -1;
	memset(imsgbuf, 0, sizeof(*imsgbuf));
	imsgbuf->w = w;
	imsgbuf->pid = getpid();
	imsgbuf->maxsize = MAX_IMSGSIZE;
	imsgbuf->fd = fd;
#if !defined(MSG_NOSIGNAL) && defined(SO_NOSIGPIPE)
	(void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){ 1 },
	    sizeof(int));
#endif
	return 0;
}

void
imsgbuf_allow_fdpass(struct imsgbuf *imsgbuf)
{
	imsgbuf->flags |= FDPASS;
}

int
imsgbuf_set_maxsize(struct imsgbuf *imsgbuf, uint32_t max)
{
	if (max > UINT32_MAX - sizeof(struct wire_header)) {
		errno = ERANGE;
		return -1;
	}
	if (max > LARGEST_MESSAGE - sizeof(struct wire_header)) {
		errno = EINVAL;
		return -1;
	}
	imsgbuf->maxsize = max + sizeof(struct wire_header);
	return 0;
}

int
imsgbuf_read(struct imsgbuf *imsgbuf)
{
	return imsgbuf->flags & FDPASS ? msgbuf_read(imsgbuf->fd, imsgbuf->w) :
					 ibuf_read(imsgbuf->fd, imsgbuf->w);
}

int
imsgbuf_write(struct imsgbuf *imsgbuf)
{
	return imsgbuf->flags & FDPASS ? msgbuf_write(imsgbuf->fd, imsgbuf->w) :
					 ibuf_write(imsgbuf->fd, imsgbuf->w);
}

int
imsgbuf_flush(struct imsgbuf *imsgbuf)
{
	while (msgbuf_queuelen(imsgbuf->w) > 0)
		if (imsgbuf_write(imsgbuf) == -1)
			return -1;
	return 0;
}

void
imsgbuf_clear(struct imsgbuf *imsgbuf)
{
	msgbuf_free(imsgbuf->w);
	imsgbuf->w = NULL;
}

uint32_t
imsgbuf_queuelen(struct imsgbuf *imsgbuf)
{
	return msgbuf_queuelen(imsgbuf->w);
}

/* Without length or mark. */
static struct wire_header
new_header(const struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid)
{
	struct wire_header h;

	memset(&h, 0, sizeof(h));
	h.type = type;
	h.peerid = id;
	h.pid = (uint32_t)(pid == 0 ? imsgbuf->pid : pid);
	return h;
}

struct ibuf *
imsg_create(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    size_t datalen)
{
	struct wire_header h = new_header(imsgbuf, type, id, pid);
	struct ibuf *msg;

	if (datalen > imsgbuf->maxsize - sizeof(h)) {
		errno = ERANGE;
		return NULL;
	}
	if ((msg = ibuf_dynamic(sizeof(h) + datalen, imsgbuf->maxsize)) != NULL)
		/* fits by construction */
		(void)ibuf_add(msg, &h, sizeof(h));
	return msg;
}

int
imsg_add(struct ibuf *msg, const void *data, size_t datalen)
{
	if (ibuf_add(msg, data, datalen) == -1) {
		ibuf_free(msg);
		return -1;
	}
	return (int)datalen;
}

int
imsg_set_maxsize(struct ibuf *msg, size_t max)
{
	if (max > UINT32_MAX - sizeof(struct wire_header)) {
		errno = ERANGE;
		return -1;
	}
	return ibuf_set_maxsize(msg, max + sizeof(struct wire_header));
}

/* Length and mark are known only now. */
void
imsg_close(struct imsgbuf *imsgbuf, struct ibuf *msg)
{
	struct wire_header h;

	memcpy(&h, ibuf_data(msg), sizeof(h));
	put_length(&h, ibuf_size(msg), ibuf_fd_avail(msg));
	memcpy(ibuf_data(msg), &h, sizeof(h));
	ibuf_close(imsgbuf->w, msg);
}

int
imsg_compose(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    int fd, const void *data, size_t datalen)
{
	/* writev's type has no const; nothing writes through it here. */
	struct iovec iov = { (void *)(uintptr_t)data, datalen };

	return imsg_composev(imsgbuf, type, id, pid, fd, &iov, 1);
}

int
imsg_composev(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id, pid_t pid,
    int fd, const struct iovec *iov, int iovcnt)
{
	struct ibuf *msg;
	size_t total = 0;
	int i;

	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > imsgbuf->maxsize - total) {
			errno = ERANGE;
			return -1;
		}
		total += iov[i].iov_len;
	}
	if ((msg = imsg_create(imsgbuf, type, id, pid, total)) == NULL)
		return -1;
	for (i = 0; i < iovcnt; i++)
		/* fits: counted above */
		(void)ibuf_add(msg, iov[i].iov_base, iov[i].iov_len);
	ibuf_fd_set(msg, fd);
	imsg_close(imsgbuf, msg);
	return 1;
}

/*
 * Queues the header and buf one after the other, uncopied. A descriptor on buf
 * would leave with a byte that is not the first of its message, and every
 * reader would close it: it goes no further than here.
 */
int
imsg_compose_ibuf(struct imsgbuf *imsgbuf, uint32_t type, uint32_t id,
    pid_t pid, struct ibuf *buf)
{
	struct wire_header h = new_header(imsgbuf, type, id, pid);
	struct ibuf *header;

	if (ibuf_size(buf) > imsgbuf->maxsize - sizeof(h)) {
		errno = ERANGE;
		ibuf_free(buf);
		return -1;
	}
	if ((header = ibuf_open(sizeof(h))) == NULL) {
		ibuf_free(buf);
		return -1;
	}
	put_length(&h, sizeof(h) + ibuf_size(buf), 0);
	(void)ibuf_add(header, &h, sizeof(h));
	ibuf_fd_set(buf, -1);
	ibuf_close(imsgbuf->w, header);
	ibuf_close(imsgbuf->w, buf);
	return 1;
}

int
imsg_forward(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	/* From the start, however much of the payload has been read by now. */
	ibuf_rewind(imsg->buf);
	(void)ibuf_skip(imsg->buf, sizeof(struct wire_header));
	return imsg_compose(imsgbuf, imsg->hdr.type, imsg->hdr.peerid,
	    (pid_t)imsg->hdr.pid, -1, ibuf_data(imsg->buf),
	    ibuf_size(imsg->buf));
}

/* 1 and a message, 0 when buf is NULL, -1 when buf is not a message. */
static int
unwrap(struct ibuf *buf, struct imsg *imsg)
{
	struct wire_header h;

	if (buf == NULL)
		return 0;
	if (ibuf_get(buf, &h, sizeof(h)) == -1) {
		ibuf_free(buf);
		return -1;
	}
	imsg->hdr = (struct imsg_hdr){ h.type, length(&h), h.peerid, h.pid };
	imsg->data = ibuf_size(buf) == 0 ? NULL : ibuf_data(buf);
	imsg->buf = buf;
	return 1;
}

int
imsgbuf_get(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	return unwrap(msgbuf_get(imsgbuf->w), imsg);
}

/* The older spelling: the length of the whole message instead of 1. */
ssize_t
imsg_get(struct imsgbuf *imsgbuf, struct imsg *imsg)
{
	int rv = imsgbuf_get(imsgbuf, imsg);

	return rv == 1 ?
	    (ssize_t)(sizeof(struct wire_header) + imsg_get_len(imsg)) :
	    rv;
}

int
imsg_ibufq_pop(struct ibufqueue *q, struct imsg *imsg)
{
	return unwrap(ibufq_pop(q), imsg);
}

void
imsg_ibufq_push(struct ibufqueue *q, struct imsg *imsg)
{
	ibuf_rewind(imsg->buf);
	ibufq_push(q, imsg->buf);
	memset(imsg, 0, sizeof(*imsg));
}

void
imsg_free(struct imsg *imsg)
{
	ibuf_free(imsg->buf);
}

int
imsg_get_ibuf(struct imsg *imsg, struct ibuf *part)
{
	if (ibuf_size(imsg->buf) == 0) {
		errno = EBADMSG;
		return -1;
	}
	return ibuf_get_ibuf(imsg->buf, ibuf_size(imsg->buf), part);
}

int
imsg_get_data(struct imsg *imsg, void *data, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (len != ibuf_size(imsg->buf)) {
		errno = EBADMSG;
		return -1;
	}
	return ibuf_get(imsg->buf, data, len);
}

int
imsg_get_buf(struct imsg *imsg, void *data, size_t len)
{
	return ibuf_get(imsg->buf, data, len);
}

int
imsg_get_strbuf(struct imsg *imsg, char *str, size_t len)
{
	return ibuf_get_strbuf(imsg->buf, str, len);
}

int
imsg_get_fd(struct imsg *imsg)
{
	return ibuf_fd_get(imsg->buf);
}

uint32_t
imsg_get_id(struct imsg *imsg)
{
	return imsg->hdr.peerid;
}

uint32_t
imsg_get_type(struct imsg *imsg)
{
	return imsg->hdr.type;
}

pid_t
imsg_get_pid(struct imsg *imsg)
{
	return (pid_t)imsg->hdr.pid;
}

size_t
imsg_get_len(struct imsg *imsg)
{
	return ibuf_size(imsg->buf);
}
