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
 * Buffers: bytes with a read and a write position, and perhaps a descriptor to
 * go with them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

/*
 * A buffer and its first bytes come from one malloc; the bytes start on a
 * 16-byte border so that a payload may be read through a pointer to any struct.
 * Only a buffer that grew has its bytes elsewhere.
 */
#define HEAD_SIZE	((sizeof(struct ibuf) + 15) & ~(size_t)15)

static unsigned char *
inline_bytes(const struct ibuf *buf)
{
	return (unsigned char *)buf + HEAD_SIZE;
}

/*
 * Messages carry passwords and keys. The barrier keeps the compiler from
 * dropping the memset.
 */
static void
wipe(void *p, size_t n)
{
	if (n > 0) {
		memset(p, 0, n);
		__asm__ volatile("" : : "r"(p) : "memory");
	}
}

static int
fail(int error)
{
	errno = error;
	return -1;
}

static struct ibuf *
allocate(size_t room, size_t limit)
{
	struct ibuf *buf;

	if (room > SIZE_MAX - HEAD_SIZE) {
		errno = ENOMEM;
		return NULL;
	}
	if ((buf = malloc(HEAD_SIZE + room)) == NULL)
		return NULL;
	*buf = (struct ibuf){ .bytes = inline_bytes(buf),
		.room = room,
		.limit = limit,
		.fd = -1 };
	return buf;
}

struct ibuf *
ibuf_open(size_t len)
{
	return allocate(len, len);
}

struct ibuf *
ibuf_dynamic(size_t len, size_t max)
{
	if (max == 0 || len > max) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(len, max);
}

void
ibuf_free(struct ibuf *buf)
{
	int saved = errno;

	if (buf == NULL)
		return;
	if (buf->borrowed)
		/* lives on a stack: freeing it would corrupt the heap */
		abort();
	if (buf->fd != -1)
		close(buf->fd);
	wipe(buf->bytes, buf->room);
	if (buf->bytes != inline_bytes(buf))
		free(buf->bytes);
	free(buf);
	errno = saved;
}

void
ibuf_from_buffer(struct ibuf *buf, void *data, size_t len)
{
	*buf = (struct ibuf){
		.bytes = data, .end = len, .room = len, .fd = -1, .borrowed = 1
	};
}

void
ibuf_from_ibuf(struct ibuf *buf, const struct ibuf *from)
{
	ibuf_from_buffer(buf, ibuf_data(from), ibuf_size(from));
}

void *
ibuf_data(const struct ibuf *buf)
{
	/*
	 * Adding even 0 to a null pointer is undefined, and an empty borrowed
	 * buffer may be one.
	 */
	return buf->begin == 0 ? buf->bytes : buf->bytes + buf->begin;
}

size_t
ibuf_size(const struct ibuf *buf)
{
	return buf->end - buf->begin;
}

size_t
ibuf_left(const struct ibuf *buf)
{
	return buf->borrowed ? 0 : buf->limit - buf->end;
}

int
ibuf_set_maxsize(struct ibuf *buf, size_t max)
{
	if (buf->borrowed)
		return fail(EINVAL);
	if (max > buf->limit || max < buf->end)
		return fail(ERANGE);
	buf->limit = max;
	return 0;
}

void
ibuf_rewind(struct ibuf *buf)
{
	buf->begin = 0;
}

int
ibuf_skip(struct ibuf *buf, size_t len)
{
	if (len > ibuf_size(buf))
		return fail(EBADMSG);
	buf->begin += len;
	return 0;
}

/* Moves the bytes to a larger place; doubling keeps many small adds linear. */
static int
grow(struct ibuf *buf, size_t wanted)
{
	unsigned char *bytes;
	size_t room = buf->room > buf->limit / 2 ? buf->limit : buf->room * 2;

	if (room < wanted)
		room = wanted;
	if ((bytes = malloc(room)) == NULL)
		return -1;
	memcpy(bytes, buf->bytes, buf->end);
	wipe(buf->bytes, buf->room);
	if (buf->bytes != inline_bytes(buf))
		free(buf->bytes);
	buf->bytes = bytes;
	buf->room = room;
	return 0;
}

/* len more bytes, contents undefined: for callers that fill them at once. */
static void *
extend(struct ibuf *buf, size_t len)
{
	void *p;

	if (buf->borrowed) {
		errno = EINVAL;
		return NULL;
	}
	if (len > buf->limit - buf->end) {
		errno = ERANGE;
		return NULL;
	}
	if (len > buf->room - buf->end && grow(buf, buf->end + len) == -1)
		return NULL;
	p = buf->bytes + buf->end;
	buf->end += len;
	return p;
}

/*
 * Zeroed, lest a caller that fills only half of it sends old heap to the peer.
 */
void *
ibuf_reserve(struct ibuf *buf, size_t len)
{
	void *p = extend(buf, len);

	return p == NULL || len == 0 ? p : memset(p, 0, len);
}

int
ibuf_add(struct ibuf *buf, const void *data, size_t len)
{
	void *p;

	if (len == 0)
		return 0;
	if ((p = extend(buf, len)) == NULL)
		return -1;
	memcpy(p, data, len);
	return 0;
}

int
ibuf_add_ibuf(struct ibuf *buf, const struct ibuf *from)
{
	return ibuf_add(buf, ibuf_data(from), ibuf_size(from));
}

int
ibuf_add_zero(struct ibuf *buf, size_t len)
{
	return len == 0 || ibuf_reserve(buf, len) != NULL ? 0 : -1;
}

int
ibuf_add_strbuf(struct ibuf *buf, const char *str, size_t len)
{
	size_t used = strnlen(str, len);
	void *p;

	if (used == len)	/* no place for the NUL; also when len is 0 */
		return fail(EOVERFLOW);
	if ((p = ibuf_reserve(buf, len)) == NULL)
		return -1;
	memcpy(p, str, used);
	return 0;
}

int
ibuf_truncate(struct ibuf *buf, size_t len)
{
	if (len > ibuf_size(buf))
		return buf->borrowed ? fail(ERANGE) :
				       ibuf_add_zero(buf, len - ibuf_size(buf));
	buf->end = buf->begin + len;
	return 0;
}

void *
ibuf_seek(struct ibuf *buf, size_t pos, size_t len)
{
	if (pos > ibuf_size(buf) || len > ibuf_size(buf) - pos) {
		errno = ERANGE;
		return NULL;
	}
	return pos == 0 ? ibuf_data(buf) :
			  (unsigned char *)ibuf_data(buf) + pos;
}

int
ibuf_set(struct ibuf *buf, size_t pos, const void *data, size_t len)
{
	void *p;

	if ((p = ibuf_seek(buf, pos, len)) == NULL)
		return -1;
	if (len > 0)
		memcpy(p, data, len);
	return 0;
}

int
ibuf_get(struct ibuf *buf, void *data, size_t len)
{
	if (len > ibuf_size(buf))
		return fail(EBADMSG);
	if (len > 0)
		memcpy(data, ibuf_data(buf), len);
	buf->begin += len;
	return 0;
}

int
ibuf_get_ibuf(struct ibuf *buf, size_t len, struct ibuf *part)
{
	void *start = ibuf_data(buf);

	if (ibuf_skip(buf, len) == -1)
		return -1;
	ibuf_from_buffer(part, start, len);
	return 0;
}

char *
ibuf_get_string(struct ibuf *buf, size_t len)
{
	char *str;

	if (len > ibuf_size(buf)) {
		errno = EBADMSG;
		return NULL;
	}
	if ((str = strndup(ibuf_data(buf), len)) != NULL)
		buf->begin += len;
	return str;
}

int
ibuf_get_strbuf(struct ibuf *buf, char *str, size_t len)
{
	if (len == 0)
		return fail(EINVAL);
	if (ibuf_get(buf, str, len) == -1)
		return -1;
	if (memchr(str, '\0', len) != NULL)
		return 0;
	str[len - 1] = '\0';	/* usable even by those who ignore the error */
	return fail(EOVERFLOW);
}

int
ibuf_fd_avail(struct ibuf *buf)
{
	return buf->fd != -1;
}

int
ibuf_fd_get(struct ibuf *buf)
{
	int fd = buf->fd;

	buf->fd = -1;
	return fd;
}

void
ibuf_fd_set(struct ibuf *buf, int fd)
{
	if (buf->borrowed)
		abort();	/* it would never be closed */
	if (buf->fd != -1)
		close(buf->fd);
	buf->fd = fd < 0 ? -1 : fd;
}
