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
 * Integers in buffers, in network (n) and host (h) byte order, appended,
 * replaced and read.
 */
#include <errno.h>
#include <string.h>

#include "imsg.h"

enum { NETWORK, HOST };

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_IS_BIG	1
#else
#define HOST_IS_BIG	0
#endif

/*
 * The low width bytes of value, as they go on the wire. False when value has
 * more than that: a number cut short in silence is worse than an error.
 */
static int
encode(unsigned char *out, int order, uint64_t value, size_t width)
{
	int big = order == NETWORK || HOST_IS_BIG;
	size_t i;

	if (width < sizeof(value) && value >> (8 * width) != 0) {
		errno = EINVAL;
		return 0;
	}
	for (i = 0; i < width; i++)
		out[big ? width - 1 - i : i] = (unsigned char)(value >>
		    (8 * i));
	return 1;
}

static int
add(struct ibuf *buf, int order, uint64_t value, size_t width)
{
	unsigned char b[sizeof(value)];

	return encode(b, order, value, width) ? ibuf_add(buf, b, width) : -1;
}

static int
set(struct ibuf *buf, size_t pos, int order, uint64_t value, size_t width)
{
	unsigned char b[sizeof(value)];

	return encode(b, order, value, width) ? ibuf_set(buf, pos, b, width) :
						-1;
}

static int
get_network(struct ibuf *buf, uint64_t *value, size_t width)
{
	unsigned char b[sizeof(*value)];
	size_t i;

	if (ibuf_get(buf, b, width) == -1)
		return -1;
	for (*value = 0, i = 0; i < width; i++)
		*value = *value << 8 | b[i];
	return 0;
}

int
ibuf_add_n8(struct ibuf *buf, uint64_t value)
{
	return add(buf, NETWORK, value, 1);
}

int
ibuf_add_n16(struct ibuf *buf, uint64_t value)
{
	return add(buf, NETWORK, value, 2);
}

int
ibuf_add_n32(struct ibuf *buf, uint64_t value)
{
	return add(buf, NETWORK, value, 4);
}

int
ibuf_add_n64(struct ibuf *buf, uint64_t value)
{
	return add(buf, NETWORK, value, 8);
}

int
ibuf_add_h16(struct ibuf *buf, uint64_t value)
{
	return add(buf, HOST, value, 2);
}

int
ibuf_add_h32(struct ibuf *buf, uint64_t value)
{
	return add(buf, HOST, value, 4);
}

int
ibuf_add_h64(struct ibuf *buf, uint64_t value)
{
	return add(buf, HOST, value, 8);
}

int
ibuf_set_n8(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, NETWORK, value, 1);
}

int
ibuf_set_n16(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, NETWORK, value, 2);
}

int
ibuf_set_n32(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, NETWORK, value, 4);
}

int
ibuf_set_n64(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, NETWORK, value, 8);
}

int
ibuf_set_h16(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, HOST, value, 2);
}

int
ibuf_set_h32(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, HOST, value, 4);
}

int
ibuf_set_h64(struct ibuf *buf, size_t pos, uint64_t value)
{
	return set(buf, pos, HOST, value, 8);
}

/*
 * Host order needs no arithmetic to read: it is the object's own
 * representation.
 */
int
ibuf_get_n8(struct ibuf *buf, uint8_t *value)
{
	return ibuf_get(buf, value, sizeof(*value));
}

int
ibuf_get_h16(struct ibuf *buf, uint16_t *value)
{
	return ibuf_get(buf, value, sizeof(*value));
}

int
ibuf_get_h32(struct ibuf *buf, uint32_t *value)
{
	return ibuf_get(buf, value, sizeof(*value));
}

int
ibuf_get_h64(struct ibuf *buf, uint64_t *value)
{
	return ibuf_get(buf, value, sizeof(*value));
}

int
ibuf_get_n16(struct ibuf *buf, uint16_t *value)
{
	uint64_t v;

	if (get_network(buf, &v, sizeof(*value)) == -1)
		return -1;
	*value = (uint16_t)v;
	return 0;
}

int
ibuf_get_n32(struct ibuf *buf, uint32_t *value)
{
	uint64_t v;

	if (get_network(buf, &v, sizeof(*value)) == -1)
		return -1;
	*value = (uint32_t)v;
	return 0;
}

int
ibuf_get_n64(struct ibuf *buf, uint64_t *value)
{
	return get_network(buf, value, sizeof(*value));
}
