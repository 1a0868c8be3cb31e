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
 * Moving queues of buffers through a socket, together with their descriptors.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"
#include "ibufq.h"

#ifndef IOV_MAX
#define IOV_MAX	1024
#endif
#ifndef MSG_NOSIGNAL
/* imsgbuf_init sets SO_NOSIGPIPE there */
#define MSG_NOSIGNAL	0
#endif
#ifndef MSG_CMSG_CLOEXEC
/* received_descriptor uses fcntl there */
#define MSG_CMSG_CLOEXEC	0
#endif

struct msgbuf {
	struct ibufqueue	out;
	struct ibufqueue	in;
	/* has its header, lacks payload */
	struct ibuf		*partial;
	/* IBUF_READ_SIZE bytes, or NULL: cannot read */
	unsigned char		*chunk;
	/* bytes of chunk that belong to no buffer yet */
	size_t			have;
	size_t			header_size;
	struct ibuf		*(*start)(struct ibuf *, void *, int *);
	void			*start_arg;
	/* came with the incomplete header in chunk, or -1 */
	int			early_fd;
};

union one_descriptor {
	struct cmsghdr	align;
	char		space[CMSG_SPACE(sizeof(int))];
};

struct msgbuf *
msgbuf_new(void)
{
	struct msgbuf *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		return NULL;
	ibufq_init(&m->out);
	ibufq_init(&m->in);
	m->early_fd = -1;
	return m;
}

struct msgbuf *
msgbuf_new_reader(size_t header_size,
    struct ibuf *(*start)(struct ibuf *, void *, int *), void *arg)
{
	struct msgbuf *m;

	if (header_size == 0 || header_size > IBUF_READ_SIZE / 2) {
		errno = EINVAL;
		return NULL;
	}
	if ((m = msgbuf_new()) == NULL)
		return NULL;
	if ((m->chunk = malloc(IBUF_READ_SIZE)) == NULL) {
		msgbuf_free(m);
		return NULL;
	}
	m->header_size = header_size;
	m->start = start;
	m->start_arg = arg;
	return m;
}

void
msgbuf_clear(struct msgbuf *m)
{
	ibufq_flush(&m->out);
	ibufq_flush(&m->in);
	ibuf_free(m->partial);
	m->partial = NULL;
	m->have = 0;
	if (m->early_fd != -1)
		close(m->early_fd);
	m->early_fd = -1;
}

void
msgbuf_free(struct msgbuf *m)
{
	if (m == NULL)
		return;
	msgbuf_clear(m);
	free(m->chunk);
	free(m);
}

void
msgbuf_concat(struct msgbuf *m, struct ibufqueue *from)
{
	ibufq_concat(&m->out, from);
}

uint32_t
msgbuf_queuelen(struct msgbuf *m)
{
	return m->out.count;
}

struct ibuf *
msgbuf_get(struct msgbuf *m)
{
	return ibufq_pop(&m->in);
}

void
ibuf_close(struct msgbuf *m, struct ibuf *buf)
{
	ibufq_push(&m->out, buf);
}

/* Forgets the n bytes that the kernel took. */
static void
written(struct ibufqueue *out, size_t n)
{
	while (out->first != NULL && n >= ibuf_size(out->first)) {
		n -= ibuf_size(out->first);
		ibuf_free(ibufq_pop(out));
	}
	if (n > 0)
		(void)ibuf_skip(out->first, n);
}

/* A full socket is no error: the caller polls and comes back. */
static int
write_failed(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? 0 :
									     -1;
}

/* writev, because this one serves pipes and files too. */
int
ibuf_write(int fd, struct msgbuf *m)
{
	struct iovec iov[IOV_MAX];
	struct ibuf *buf;
	ssize_t n;
	int count = 0;

	for (buf = m->out.first; buf != NULL && count < IOV_MAX;
	    buf = buf->next, count++)
		iov[count] = (struct iovec){ ibuf_data(buf), ibuf_size(buf) };
	if (count == 0)
		return 0;
	do
		n = writev(fd, iov, count);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return write_failed();
	written(&m->out, (size_t)n);
	return 0;
}

/*
 * One sendmsg of everything up to the next descriptor: readers expect at most
 * one in each, and with the first byte of its message.
 */
int
msgbuf_write(int fd, struct msgbuf *m)
{
	struct iovec iov[IOV_MAX];
	union one_descriptor control;
	struct msghdr msg = { .msg_iov = iov };
	struct ibuf *buf = m->out.first;
	ssize_t n;
	int count = 0;

	if (buf == NULL)
		return 0;
	if (buf->fd != -1) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), &buf->fd, sizeof(int));
	}
	do {
		iov[count++] = (struct iovec){ ibuf_data(buf), ibuf_size(buf) };
		buf = buf->next;
	} while (buf != NULL && buf->fd == -1 && count < IOV_MAX);
	msg.msg_iovlen = count;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return write_failed();
	ibuf_fd_set(m->out.first, -1);	/* it left with the first byte */
	written(&m->out, (size_t)n);
	return 0;
}

/*
 * Cuts chunk into buffers. fd came with the newest bytes, or is -1; it is
 * consumed.
 *
 * On failure the bytes stay where they are, so that the next read runs into the
 * same bad header again and, had memory run out, can go on.
 */
static int
frame(struct msgbuf *m, int fd)
{
	struct ibuf header;
	size_t at = 0, n;
	int rv = 1;

	for (;;) {
		if (m->partial == NULL) {
			if (m->have - at < m->header_size)
				break;
			ibuf_from_buffer(&header, m->chunk + at,
			    m->header_size);
			m->partial = m->start(&header, m->start_arg,
			    m->early_fd != -1 ? &m->early_fd : &fd);
			if (m->partial == NULL) {
				rv = -1;
				break;
			}
			if (m->early_fd != -1) {
				/* the header, now whole, has no mark */
				close(m->early_fd);
				m->early_fd = -1;
			}
			if (ibuf_left(m->partial) == 0) {
				/* would never use up its header */
				ibuf_free(m->partial);
				m->partial = NULL;
				errno = EINVAL;
				rv = -1;
				break;
			}
		}
		n = ibuf_left(m->partial);
		if (n > m->have - at)
			n = m->have - at;
		if (ibuf_add(m->partial, m->chunk + at, n) == -1) {
			rv = -1;
			break;
		}
		at += n;
		if (ibuf_left(m->partial) > 0)
			break;
		ibufq_push(&m->in, m->partial);
		m->partial = NULL;
	}
	m->have -= at;
	if (m->have > 0 && at > 0)
		memmove(m->chunk, m->chunk + at, m->have);
	if (fd != -1) {
		/*
		 * An incomplete header may yet turn out to be the one that fd
		 * belongs to.
		 */
		if (m->have > 0 && m->partial == NULL && m->early_fd == -1)
			m->early_fd = fd;
		else
			close(fd);
	}
	return rv;
}

/* Bytes that an earlier, failed call to frame left behind. */
static int
unframed(const struct msgbuf *m)
{
	return m->have >= m->header_size || (m->partial != NULL && m->have > 0);
}

int
ibuf_read(int fd, struct msgbuf *m)
{
	ssize_t n;

	if (m->chunk == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (unframed(m))
		return frame(m, -1);
	do
		n = read(fd, m->chunk + m->have, IBUF_READ_SIZE - m->have);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1;
	if (n == 0)
		return 0;
	m->have += (size_t)n;
	return frame(m, -1);
}

/*
 * The first descriptor received, or -1. The padding behind a control message of
 * one descriptor has room for a second on 64-bit machines, which is closed.
 */
static int
received_descriptor(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int first = -1;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t i, count;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(fd));
			if (first == -1)
				first = fd;
			else
				close(fd);
		}
	}
	if (MSG_CMSG_CLOEXEC == 0 && first != -1)
		(void)fcntl(first, F_SETFD, FD_CLOEXEC);
	return first;
}

/* One recvmsg, with room for a descriptor unless control is NULL. */
static ssize_t
receive(int fd, struct msghdr *msg, struct iovec *iov,
    union one_descriptor *control)
{
	ssize_t n;

	do {
		*msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 1 };
		if (control != NULL) {
			msg->msg_control = control->space;
			msg->msg_controllen = sizeof(control->space);
		}
		n = recvmsg(fd, msg, MSG_CMSG_CLOEXEC);
	} while (n == -1 && errno == EINTR);
	return n;
}

int
msgbuf_read(int fd, struct msgbuf *m)
{
	union one_descriptor control;
	struct msghdr msg;
	struct iovec iov;
	ssize_t n;
	int received;

	if (m->chunk == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (unframed(m))
		return frame(m, -1);
	iov = (struct iovec){ m->chunk + m->have, IBUF_READ_SIZE - m->have };
	/*
	 * EMSGSIZE: OpenBSD has no free place for the descriptor. A second call
	 * without room for one gives the bytes. A third is not made: it would
	 * fail for ever.
	 */
	if ((n = receive(fd, &msg, &iov, &control)) == -1 && errno == EMSGSIZE)
		n = receive(fd, &msg, &iov, NULL);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1;
	received = received_descriptor(&msg);
	if (n == 0) {
		if (received != -1)
			close(received);
		return 0;
	}
	m->have += (size_t)n;
	return frame(m, received);
}
