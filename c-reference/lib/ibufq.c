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

/* Queues of buffers. */
#include <stdlib.h>

#include "imsg.h"
#include "ibufq.h"

void
ibufq_init(struct ibufqueue *q)
{
	q->first = NULL;
	q->tail = &q->first;
	q->count = 0;
}

struct ibufqueue *
ibufq_new(void)
{
	struct ibufqueue *q;

	if ((q = malloc(sizeof(*q))) != NULL)
		ibufq_init(q);
	return q;
}

void
ibufq_free(struct ibufqueue *q)
{
	if (q == NULL)
		return;
	ibufq_flush(q);
	free(q);
}

struct ibuf *
ibufq_pop(struct ibufqueue *q)
{
	struct ibuf *buf = q->first;

	if (buf == NULL)
		return NULL;
	if ((q->first = buf->next) == NULL)
		q->tail = &q->first;
	q->count--;
	buf->next = NULL;
	return buf;
}

void
ibufq_push(struct ibufqueue *q, struct ibuf *buf)
{
	if (buf->borrowed)
		/* its bytes would be gone before the queue gets to them */
		abort();
	buf->next = NULL;
	*q->tail = buf;
	q->tail = &buf->next;
	q->count++;
}

uint32_t
ibufq_queuelen(struct ibufqueue *q)
{
	return q->count;
}

void
ibufq_concat(struct ibufqueue *to, struct ibufqueue *from)
{
	if (from->first == NULL)
		return;
	*to->tail = from->first;
	to->tail = from->tail;
	to->count += from->count;
	ibufq_init(from);
}

void
ibufq_flush(struct ibufqueue *q)
{
	struct ibuf *buf;

	while ((buf = ibufq_pop(q)) != NULL)
		ibuf_free(buf);
}
