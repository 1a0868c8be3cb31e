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
 * Structs with padding between and behind members, to hold org.imsg.cstruct
 * against the C compiler: layout-probe prints them. Needs nothing but the
 * compiler, so that a machine without the libraries of another one can still
 * compile for it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <sys/types.h>
#include <time.h>
#else
#ifdef TIME_T_64
typedef int64_t time_t;
#else
typedef long time_t;
#endif
typedef int pid_t;
typedef unsigned int uid_t;
typedef ptrdiff_t ssize_t;
#endif

struct mixed {
	char letter;
	int64_t wide;
	int16_t triple[3];
	char tail;
};

struct inner {
	uint8_t flag;
	uint32_t value;
};

struct nested {
	uint8_t before;
	struct inner in;
	uint16_t between;
	struct inner pair[2];
	uint8_t after;
};

struct packed {
	uint8_t tag;
	uint32_t value;
	uint16_t port;
	uint64_t stamp;
} __attribute__((packed));

struct platform {
	bool up;
	time_t since;
	bool flags[3];
	long count;
	short delta;
	size_t length;
	pid_t pid;
};

struct named {
	char name[5];
	uint16_t id;
	char descr[33];
	double weight;
	float ratio;
	uint8_t raw[3];
};

struct bytes {
	uint8_t a;
	uint8_t b[6];
};

struct single {
	uint8_t only;
};

struct tail_hole {
	uint64_t wide;
	uint8_t narrow;
};

struct steps {
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
};

struct steps_down {
	uint64_t d;
	uint32_t c;
	uint16_t b;
	uint8_t a;
};

struct zigzag {
	uint8_t a;
	uint64_t b;
	uint8_t c;
	uint32_t d;
	uint8_t e;
	uint16_t f;
};

struct doubles {
	char c;
	double d;
	float f;
	double pair[2];
	char last;
};

struct pointers {
	char c;
	void *next;
	char d;
	void *both[2];
};

struct longs {
	short s;
	long l;
	unsigned char u;
	unsigned long ul;
	long long ll;
	unsigned char end;
};

struct strings {
	char a[1];
	uint16_t n;
	char b[3];
	uint32_t m;
	char c[7];
};

struct matrix {
	char names[3][5];
	uint32_t n;
	uint8_t macs[2][6];
	uint16_t m;
};

struct deep {
	uint8_t a;
	struct nested n;
	uint8_t b;
	struct deep_leaf {
		uint16_t x;
		uint64_t y;
		uint8_t z;
	} leaf;
	uint8_t c;
};

struct array_of_padded {
	uint16_t n;
	struct tail_hole holes[3];
	uint8_t end;
};

struct packed_inside {
	uint8_t a;
	struct packed p;
	uint32_t b;
	struct packed q[2];
	uint64_t c;
};

struct packed_around {
	uint8_t a;
	struct inner in;
	uint64_t b;
	struct tail_hole hole;
} __attribute__((packed));

struct packed_aligned {
	uint8_t a;
	_Alignas(4) uint32_t b;
	uint16_t c;
	uint8_t d;
} __attribute__((packed));

struct over_aligned {
	uint8_t a;
	_Alignas(16) uint32_t b;
	uint8_t c;
};

struct aligned_whole {
	uint8_t a;
	uint16_t b;
} __attribute__((aligned(32)));

struct around_aligned {
	uint8_t a;
	struct aligned_whole in;
	uint8_t b;
};

struct union_of_address {
	union {
		uint32_t v4;
		uint8_t v6[16];
		uint16_t words[8];
	} address;
	uint32_t scope;
	uint8_t aid;
};

struct union_of_wide {
	uint8_t kind;
	union {
		uint64_t number;
		char text[12];
	} value;
	uint8_t end;
};

struct flexible {
	uint32_t count;
	uint8_t kind;
	uint16_t values[];
};

struct flexible_bytes {
	uint64_t id;
	uint16_t length;
	char data[];
};

struct flexible_structs {
	uint8_t kind;
	struct steps entries[];
};

struct network {
	uint8_t length;
	uint8_t family;
	uint16_t port;
	uint32_t address;
	uint64_t id;
	uint16_t ports[3];
};

struct signed_all {
	signed char a;
	int8_t b;
	int16_t c;
	int d;
	int32_t e;
	int64_t f;
	ssize_t g;
};

struct bools {
	bool a;
	uint32_t flag;
	bool b[5];
	int on;
	bool c;
};

struct timers {
	uint32_t type;
	time_t val;
	struct timer_entry {
		bool on;
		time_t at;
	} entries[2];
	uid_t uid;
};

struct descriptions {
	char descr[64];
	uint32_t as;
	char reason[255];
	int show_timers;
	uint8_t is_group;
};

struct statistics {
	unsigned long long sent[3];
	uint32_t n;
	unsigned long long received;
	uint8_t state;
};

struct chars {
	uint16_t letter;
	uint8_t a;
	uint16_t letters[3];
	uint32_t last;
};

/* Every struct and its members, for whoever defines the three. */
#define PADDING_CASES(STRUCT, MEMBER, FLEXIBLE) \
	STRUCT(mixed)                           \
	MEMBER(mixed, letter)                   \
	MEMBER(mixed, wide)                     \
	MEMBER(mixed, triple)                   \
	MEMBER(mixed, tail)                     \
	STRUCT(inner)                           \
	MEMBER(inner, flag)                     \
	MEMBER(inner, value)                    \
	STRUCT(nested)                          \
	MEMBER(nested, before)                  \
	MEMBER(nested, in)                      \
	MEMBER(nested, between)                 \
	MEMBER(nested, pair)                    \
	MEMBER(nested, after)                   \
	STRUCT(packed)                          \
	MEMBER(packed, tag)                     \
	MEMBER(packed, value)                   \
	MEMBER(packed, port)                    \
	MEMBER(packed, stamp)                   \
	STRUCT(platform)                        \
	MEMBER(platform, up)                    \
	MEMBER(platform, since)                 \
	MEMBER(platform, flags)                 \
	MEMBER(platform, count)                 \
	MEMBER(platform, delta)                 \
	MEMBER(platform, length)                \
	MEMBER(platform, pid)                   \
	STRUCT(named)                           \
	MEMBER(named, name)                     \
	MEMBER(named, id)                       \
	MEMBER(named, descr)                    \
	MEMBER(named, weight)                   \
	MEMBER(named, ratio)                    \
	MEMBER(named, raw)                      \
	STRUCT(bytes)                           \
	MEMBER(bytes, a)                        \
	MEMBER(bytes, b)                        \
	STRUCT(single)                          \
	MEMBER(single, only)                    \
	STRUCT(tail_hole)                       \
	MEMBER(tail_hole, wide)                 \
	MEMBER(tail_hole, narrow)               \
	STRUCT(steps)                           \
	MEMBER(steps, a)                        \
	MEMBER(steps, b)                        \
	MEMBER(steps, c)                        \
	MEMBER(steps, d)                        \
	STRUCT(steps_down)                      \
	MEMBER(steps_down, d)                   \
	MEMBER(steps_down, c)                   \
	MEMBER(steps_down, b)                   \
	MEMBER(steps_down, a)                   \
	STRUCT(zigzag)                          \
	MEMBER(zigzag, a)                       \
	MEMBER(zigzag, b)                       \
	MEMBER(zigzag, c)                       \
	MEMBER(zigzag, d)                       \
	MEMBER(zigzag, e)                       \
	MEMBER(zigzag, f)                       \
	STRUCT(doubles)                         \
	MEMBER(doubles, c)                      \
	MEMBER(doubles, d)                      \
	MEMBER(doubles, f)                      \
	MEMBER(doubles, pair)                   \
	MEMBER(doubles, last)                   \
	STRUCT(pointers)                        \
	MEMBER(pointers, c)                     \
	MEMBER(pointers, next)                  \
	MEMBER(pointers, d)                     \
	MEMBER(pointers, both)                  \
	STRUCT(longs)                           \
	MEMBER(longs, s)                        \
	MEMBER(longs, l)                        \
	MEMBER(longs, u)                        \
	MEMBER(longs, ul)                       \
	MEMBER(longs, ll)                       \
	MEMBER(longs, end)                      \
	STRUCT(strings)                         \
	MEMBER(strings, a)                      \
	MEMBER(strings, n)                      \
	MEMBER(strings, b)                      \
	MEMBER(strings, m)                      \
	MEMBER(strings, c)                      \
	STRUCT(matrix)                          \
	MEMBER(matrix, names)                   \
	MEMBER(matrix, n)                       \
	MEMBER(matrix, macs)                    \
	MEMBER(matrix, m)                       \
	STRUCT(deep_leaf)                       \
	MEMBER(deep_leaf, x)                    \
	MEMBER(deep_leaf, y)                    \
	MEMBER(deep_leaf, z)                    \
	STRUCT(deep)                            \
	MEMBER(deep, a)                         \
	MEMBER(deep, n)                         \
	MEMBER(deep, b)                         \
	MEMBER(deep, leaf)                      \
	MEMBER(deep, c)                         \
	STRUCT(array_of_padded)                 \
	MEMBER(array_of_padded, n)              \
	MEMBER(array_of_padded, holes)          \
	MEMBER(array_of_padded, end)            \
	STRUCT(packed_inside)                   \
	MEMBER(packed_inside, a)                \
	MEMBER(packed_inside, p)                \
	MEMBER(packed_inside, b)                \
	MEMBER(packed_inside, q)                \
	MEMBER(packed_inside, c)                \
	STRUCT(packed_around)                   \
	MEMBER(packed_around, a)                \
	MEMBER(packed_around, in)               \
	MEMBER(packed_around, b)                \
	MEMBER(packed_around, hole)             \
	STRUCT(packed_aligned)                  \
	MEMBER(packed_aligned, a)               \
	MEMBER(packed_aligned, b)               \
	MEMBER(packed_aligned, c)               \
	MEMBER(packed_aligned, d)               \
	STRUCT(over_aligned)                    \
	MEMBER(over_aligned, a)                 \
	MEMBER(over_aligned, b)                 \
	MEMBER(over_aligned, c)                 \
	STRUCT(aligned_whole)                   \
	MEMBER(aligned_whole, a)                \
	MEMBER(aligned_whole, b)                \
	STRUCT(around_aligned)                  \
	MEMBER(around_aligned, a)               \
	MEMBER(around_aligned, in)              \
	MEMBER(around_aligned, b)               \
	STRUCT(union_of_address)                \
	MEMBER(union_of_address, address)       \
	MEMBER(union_of_address, scope)         \
	MEMBER(union_of_address, aid)           \
	STRUCT(union_of_wide)                   \
	MEMBER(union_of_wide, kind)             \
	MEMBER(union_of_wide, value)            \
	MEMBER(union_of_wide, end)              \
	STRUCT(flexible)                        \
	MEMBER(flexible, count)                 \
	MEMBER(flexible, kind)                  \
	FLEXIBLE(flexible, values)              \
	STRUCT(flexible_bytes)                  \
	MEMBER(flexible_bytes, id)              \
	MEMBER(flexible_bytes, length)          \
	FLEXIBLE(flexible_bytes, data)          \
	STRUCT(flexible_structs)                \
	MEMBER(flexible_structs, kind)          \
	FLEXIBLE(flexible_structs, entries)     \
	STRUCT(network)                         \
	MEMBER(network, length)                 \
	MEMBER(network, family)                 \
	MEMBER(network, port)                   \
	MEMBER(network, address)                \
	MEMBER(network, id)                     \
	MEMBER(network, ports)                  \
	STRUCT(signed_all)                      \
	MEMBER(signed_all, a)                   \
	MEMBER(signed_all, b)                   \
	MEMBER(signed_all, c)                   \
	MEMBER(signed_all, d)                   \
	MEMBER(signed_all, e)                   \
	MEMBER(signed_all, f)                   \
	MEMBER(signed_all, g)                   \
	STRUCT(bools)                           \
	MEMBER(bools, a)                        \
	MEMBER(bools, flag)                     \
	MEMBER(bools, b)                        \
	MEMBER(bools, on)                       \
	MEMBER(bools, c)                        \
	STRUCT(timer_entry)                     \
	MEMBER(timer_entry, on)                 \
	MEMBER(timer_entry, at)                 \
	STRUCT(timers)                          \
	MEMBER(timers, type)                    \
	MEMBER(timers, val)                     \
	MEMBER(timers, entries)                 \
	MEMBER(timers, uid)                     \
	STRUCT(descriptions)                    \
	MEMBER(descriptions, descr)             \
	MEMBER(descriptions, as)                \
	MEMBER(descriptions, reason)            \
	MEMBER(descriptions, show_timers)       \
	MEMBER(descriptions, is_group)          \
	STRUCT(statistics)                      \
	MEMBER(statistics, sent)                \
	MEMBER(statistics, n)                   \
	MEMBER(statistics, received)            \
	MEMBER(statistics, state)               \
	STRUCT(chars)                           \
	MEMBER(chars, letter)                   \
	MEMBER(chars, a)                        \
	MEMBER(chars, letters)                  \
	MEMBER(chars, last)
