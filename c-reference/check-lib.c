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

/* Tests of the library: both ends of a socketpair in one process. */
#include "check.h"

static struct imsgbuf a, b;	/* the two ends */
static int sockets[2];

static void
open_channel(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	CHECK(imsgbuf_init(&a, sockets[0]) == 0 &&
	    imsgbuf_init(&b, sockets[1]) == 0);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
}

static void
close_channel(void)
{
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	close(sockets[0]);
	close(sockets[1]);
}

static void
set_nonblocking(int fd)
{
	CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void
put(const void *bytes, size_t len, const int *fds, size_t nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	CHECK(sendmsg(sockets[0], &msg, 0) == (ssize_t)len);
}

static void
put_header(uint32_t type, uint32_t len, int marked, const int *fds, size_t nfds)
{
	unsigned char header[16];

	raw_header(header, type, len, marked, 7, 8);
	put(header, sizeof(header), fds, nfds);
}

/* The next message, which must be of this type. */
static struct imsg
take(uint32_t type)
{
	struct imsg imsg;
	int rv;

	while ((rv = imsgbuf_get(&b, &imsg)) == 0)
		CHECK(imsgbuf_read(&b) == 1);
	CHECK(rv == 1 && imsg_get_type(&imsg) == type);
	return imsg;
}

static int refusals;	/* recvmsg calls that find no place for a descriptor */

ssize_t __real_recvmsg(int, struct msghdr *, int);
ssize_t __wrap_recvmsg(int, struct msghdr *, int);

ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (refusals > 0) {
		refusals--;
		errno = EMSGSIZE;
		return -1;
	}
	return __real_recvmsg(fd, msg, flags);
}

static void
buffers(void)
{
	struct ibuf *buf = ibuf_dynamic(1, 4096), view, part;
	uint8_t n8;
	uint16_t n16, h16;
	uint32_t n32, h32;
	uint64_t n64, h64;
	char text[8], inside[] = "ab\0cd", *s;

	CHECK(buf != NULL && ibuf_add_n8(buf, 0xfe) == 0 &&
	    ibuf_add_n16(buf, 0x0102) == 0);
	CHECK(ibuf_add_n32(buf, 0x03040506) == 0 &&
	    ibuf_add_n64(buf, UINT64_C(0x0708090a0b0c0d0e)) == 0);
	CHECK(memcmp(ibuf_data(buf), "\xfe\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe",
		  15) == 0 &&
	    ibuf_size(buf) == 15);
	CHECK(ibuf_add_h16(buf, 0xfffe) == 0 &&
	    ibuf_add_h32(buf, 0xfffefdfc) == 0 &&
	    ibuf_add_h64(buf, UINT64_MAX - 1) == 0);
	CHECK(ibuf_add_n8(buf, 256) == -1 && errno == EINVAL &&
	    ibuf_add_h32(buf, UINT64_C(1) << 32) == -1);
	CHECK(ibuf_set_n16(buf, 1, 0xa1a2) == 0 &&
	    ibuf_set_h16(buf, 15, 0x1234) == 0);
	CHECK(ibuf_set_n64(buf, 22, 0) == -1 && errno == ERANGE &&
	    ibuf_seek(buf, SIZE_MAX, 2) == NULL);
	CHECK(ibuf_add_strbuf(buf, "abc", 8) == 0 &&
	    ibuf_add_strbuf(buf, "toolong!", 8) == -1 && errno == EOVERFLOW);
	CHECK(ibuf_add(buf, "xyz", 3) == 0 && ibuf_add_zero(buf, 2) == 0 &&
	    ibuf_size(buf) == 42);
	ibuf_from_ibuf(&view, buf);
	CHECK(ibuf_get_n8(&view, &n8) == 0 && ibuf_get_n16(&view, &n16) == 0 &&
	    ibuf_get_n32(&view, &n32) == 0);
	CHECK(ibuf_get_n64(&view, &n64) == 0 && ibuf_get_h16(&view, &h16) == 0);
	CHECK(ibuf_get_h32(&view, &h32) == 0 && ibuf_get_h64(&view, &h64) == 0);
	CHECK(n8 == 0xfe && n16 == 0xa1a2 && n32 == 0x03040506 &&
	    n64 == UINT64_C(0x0708090a0b0c0d0e));
	CHECK(h16 == 0x1234 && h32 == 0xfffefdfc && h64 == UINT64_MAX - 1);
	CHECK(ibuf_get_ibuf(&view, 8, &part) == 0 &&
	    ibuf_get_strbuf(&part, text, 8) == 0 && strcmp(text, "abc") == 0);
	ibuf_rewind(&part);
	CHECK(ibuf_get_strbuf(&part, text, 3) == -1 && errno == EOVERFLOW &&
	    strcmp(text, "ab") == 0);
	ibuf_from_buffer(&part, inside, 5);
	CHECK(ibuf_get_strbuf(&part, text, 5) == 0 && strcmp(text, "ab") == 0);
	CHECK((s = ibuf_get_string(&view, 5)) != NULL &&
	    strcmp(s, "xyz") == 0 && ibuf_size(&view) == 0);
	free(s);
	CHECK(ibuf_get_n16(&view, &n16) == -1 && errno == EBADMSG &&
	    ibuf_skip(&view, 1) == -1);
	CHECK(ibuf_add(&view, "x", 1) == -1 && errno == EINVAL &&
	    ibuf_left(&view) == 0);
	CHECK(ibuf_truncate(buf, 3) == 0 && ibuf_truncate(buf, 5) == 0);
	CHECK(memcmp(ibuf_data(buf), "\xfe\xa1\xa2\0\0", 5) == 0);
	CHECK(ibuf_set_maxsize(buf, 6) == 0 && ibuf_left(buf) == 1 &&
	    ibuf_set_maxsize(buf, 7) == -1);
	CHECK(ibuf_add(buf, "12", 2) == -1 && errno == ERANGE &&
	    ibuf_reserve(buf, SIZE_MAX) == NULL);
	ibuf_free(buf);
	ibuf_from_buffer(&view, NULL, 0);
	CHECK(ibuf_size(&view) == 0 && ibuf_data(&view) == NULL &&
	    ibuf_dynamic(2, 1) == NULL && ibuf_open(SIZE_MAX) == NULL);
	CHECK((buf = ibuf_open(2)) != NULL && ibuf_add(buf, "123", 3) == -1);
	ibuf_fd_set(buf, file_with("left"));
	ibuf_fd_set(buf, file_with("right"));
	CHECK(ibuf_fd_avail(buf));
	ibuf_free(buf);
}

static void
bytes_on_the_wire(void)
{
	unsigned char expected[16 + 2 + 16], got[64];

	open_channel();
	CHECK(imsg_compose(&a, 0xfffffff0, 7, 8, -1, "hi", 2) == 1);
	CHECK(imsg_compose(&a, 2, UINT32_MAX, 0, file_with("f"), NULL, 0) == 1);
	CHECK(imsgbuf_queuelen(&a) == 2 && imsgbuf_flush(&a) == 0 &&
	    imsgbuf_queuelen(&a) == 0);
	raw_header(expected, 0xfffffff0, 18, 0, 7, 8);
	memcpy(expected + 16, "hi", 2);
	raw_header(expected + 18, 2, 16, 1, UINT32_MAX, (uint32_t)getpid());
	CHECK(read(sockets[1], got, sizeof(got)) == 34 &&
	    memcmp(got, expected, 34) == 0);
	close_channel();
}

static void
every_way_to_compose(void)
{
	struct iovec parts[] = { { "one ", 4 }, { "", 0 }, { "two", 3 } };
	struct ibuf *msg, *payload, view;
	struct ibufqueue *queue = ibufq_new();
	struct imsg imsg;
	char text[8];

	open_channel();
	CHECK(imsg_compose(&a, 1, 10, 99, -1, "abcd", 4) == 1);
	CHECK(imsg_composev(&a, 2, 20, 99, -1, parts, 3) == 1);
	CHECK((msg = imsg_create(&a, 3, 30, 99, 2)) != NULL &&
	    imsg_add(msg, "xy", 2) == 2 && imsg_add(msg, "zw", 2) == 2);
	imsg_close(&a, msg);
	CHECK((payload = ibuf_open(4)) != NULL &&
	    ibuf_add(payload, "4444", 4) == 0);
	ibuf_fd_set(payload, file_with("never sent"));
	CHECK(imsg_compose_ibuf(&a, 4, 40, 99, payload) == 1);
	CHECK((msg = imsg_create(&a, 5, 0, 0, 0)) != NULL &&
	    imsg_set_maxsize(msg, 2) == 0);
	CHECK(imsg_add(msg, "abc", 3) == -1 && errno == ERANGE);
	CHECK(imsgbuf_flush(&a) == 0);

	imsg = take(1);
	CHECK(imsg_get_len(&imsg) == 4 && imsg.hdr.len == 20 &&
	    memcmp(imsg.data, "abcd", 4) == 0);
	CHECK(imsg_get_id(&imsg) == 10 && imsg_get_pid(&imsg) == 99 &&
	    imsg_get_fd(&imsg) == -1);
	CHECK(imsg_get_data(&imsg, text, 3) == -1 && errno == EBADMSG &&
	    imsg_get_data(&imsg, text, 0) == -1);
	CHECK(imsg_get_data(&imsg, text, 4) == 0 && memcmp(text, "abcd",
	    4) == 0);
	CHECK(imsg_get_ibuf(&imsg, &view) == -1 && errno == EBADMSG);
	CHECK(imsg_forward(&a, &imsg) == 1 && imsgbuf_flush(&a) == 0);
	imsg_ibufq_push(queue, &imsg);
	CHECK(ibufq_queuelen(queue) == 1 && imsg_ibufq_pop(queue, &imsg) == 1 &&
	    imsg_get_len(&imsg) == 4);
	CHECK(imsg_ibufq_pop(queue, &imsg) == 0);
	imsg_free(&imsg);

	imsg = take(2);
	CHECK(imsg_get_ibuf(&imsg, &view) == 0 && ibuf_size(&view) == 7 &&
	    memcmp(ibuf_data(&view), "one two", 7) == 0);
	imsg_ibufq_push(queue, &imsg);
	imsg = take(3);
	CHECK(imsg_get_buf(&imsg, text, 2) == 0 &&
	    imsg_get_buf(&imsg, text + 2, 2) == 0 &&
	    memcmp(text, "xyzw", 4) == 0);
	imsg_free(&imsg);
	imsg = take(4);
	CHECK(imsg_get_fd(&imsg) == -1 &&
	    imsg_get_strbuf(&imsg, text, 4) == -1 && errno == EOVERFLOW &&
	    strcmp(text, "444") == 0);
	imsg_free(&imsg);
	imsg = take(1);
	CHECK(imsg_get_len(&imsg) == 4 && memcmp(imsg.data, "abcd", 4) == 0);
	imsg_free(&imsg);
	ibufq_free(queue);
	close_channel();
}

static void
descriptors_arrive_with_their_messages(void)
{
	char name[8];
	uint32_t i;
	int fd;

	open_channel();
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "%u", i);
		CHECK(imsg_compose(&a, i, 0, 0,
		    i % 3 == 0 ? file_with(name) : -1,
			name, strlen(name)) == 1);
	}
	CHECK(imsgbuf_flush(&a) == 0);
	for (i = 0; i < 40; i++) {
		struct imsg imsg = take(i);

		snprintf(name, sizeof(name), "%u", i);
		/* the others are left to imsg_free */
		fd = i % 2 == 0 ? imsg_get_fd(&imsg) : -1;
		CHECK((fd != -1) == (i % 6 == 0));
		if (fd != -1) {
			CHECK(same_file(fd, name) &&
			    (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
			close(fd);
		}
		imsg_free(&imsg);
	}
	/*
	 * Queued but never sent, received but never taken, on the wire but
	 * never read.
	 */
	CHECK(imsg_compose(&a, 1, 0, 0, file_with("1"), NULL, 0) == 1 &&
	    imsg_compose(&a, 2, 0, 0, file_with("2"), NULL, 0) == 1);
	CHECK(imsg_compose(&a, 3, 0, 0, file_with("3"), NULL, 0) == 1);
	CHECK(imsgbuf_write(&a) == 0 && imsgbuf_read(&b) == 1 &&
	    imsgbuf_write(&a) == 0);
	close_channel();
}

static void
a_descriptor_waits_for_its_header(void)
{
	unsigned char bytes[16 + 16 + 16];
	struct imsg imsg;
	int fd = file_with("early"), late = file_with("late"), got;

	open_channel();
	raw_header(bytes, 1, 16, 1, 0, 0);
	raw_header(bytes + 16, 2, 16, 1, 0, 0);
	raw_header(bytes + 32, 3, 16, 0, 0, 0);
	put(bytes, 5, &fd, 1);
	CHECK(imsgbuf_read(&b) == 1 && imsgbuf_get(&b, &imsg) == 0);
	put(bytes + 5, 11, NULL, 0);
	/* one read brings the end of 1 and the beginning of 2 */
	put(bytes + 16, 3, &late, 1);
	imsg = take(1);
	CHECK((got = imsg_get_fd(&imsg)) != -1 && same_file(got, "early"));
	close(got);
	imsg_free(&imsg);
	put(bytes + 19, 13, NULL, 0);
	imsg = take(2);
	CHECK((got = imsg_get_fd(&imsg)) != -1 && same_file(got, "late"));
	close(got);
	imsg_free(&imsg);

	/* held, but the header then has no mark */
	put(bytes + 32, 5, &fd, 1);
	CHECK(imsgbuf_read(&b) == 1);
	put(bytes + 37, 11, NULL, 0);
	imsg = take(3);
	CHECK(imsg_get_fd(&imsg) == -1);
	imsg_free(&imsg);
	/* nor may it pass to the next that has one */
	put_header(4, 16, 1, NULL, 0);
	imsg = take(4);
	CHECK(imsg_get_fd(&imsg) == -1);
	imsg_free(&imsg);
	put(bytes, 5, &fd, 1);	/* held when the channel is given up */
	put(bytes + 5, 1, &late, 1);	/* and one too many */
	CHECK(imsgbuf_read(&b) == 1 && imsgbuf_read(&b) == 1);
	close(fd);
	close(late);
	close_channel();
}

static void
descriptors_without_a_mark_are_closed(void)
{
	int fds[2] = { file_with("first"), file_with("second") }, fd;
	struct imsg imsg;

	open_channel();
	put_header(1, 16, 1, fds, 2);
	imsg = take(1);
	CHECK((fd = imsg_get_fd(&imsg)) != -1 && same_file(fd, "first"));
	close(fd);
	imsg_free(&imsg);
	put_header(2, 16, 0, fds, 1);
	put_header(3, 16, 1, NULL, 0);
	imsg = take(2);
	CHECK(imsg_get_fd(&imsg) == -1);
	imsg_free(&imsg);
	imsg = take(3);
	CHECK(imsg_get_fd(&imsg) == -1);
	imsg_free(&imsg);
	close(fds[0]);
	close(fds[1]);
	close_channel();
}

static void
a_bad_length_breaks_the_channel(void)
{
	static const uint32_t bad[] = { 0, 15, MAX_IMSGSIZE + 1, 0xffff };
	struct imsg imsg;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		open_channel();
		CHECK(imsg_compose(&a, 1, 0, 0, -1, "good", 4) == 1 &&
		    imsgbuf_flush(&a) == 0);
		put_header(2, bad[i], 0, NULL, 0);
		CHECK(imsgbuf_read(&b) == -1 && errno == ERANGE);
		imsg = take(1);
		CHECK(imsg_get_len(&imsg) == 4);
		imsg_free(&imsg);
		CHECK(imsgbuf_read(&b) == -1 && errno == ERANGE &&
		    imsgbuf_get(&b, &imsg) == 0);
		close_channel();
	}
}

static void
the_largest_message_fits(void)
{
	static char payload[40000];
	struct imsg imsg;

	open_channel();
	CHECK(imsg_compose(&a, 1, 0, 0, -1, payload, MAX_IMSGSIZE - 15) == -1 &&
	    errno == ERANGE);
	CHECK(imsg_compose(&a, 1, 0, 0, -1, payload, SIZE_MAX) == -1 &&
	    errno == ERANGE);
	CHECK(imsg_compose(&a, 1, 0, 0, -1, payload, MAX_IMSGSIZE - 16) == 1 &&
	    imsgbuf_flush(&a) == 0);
	imsg = take(1);
	CHECK(imsg_get_len(&imsg) == MAX_IMSGSIZE - 16);
	imsg_free(&imsg);
	CHECK(imsgbuf_set_maxsize(&a, UINT32_MAX) == -1 &&
	    imsgbuf_set_maxsize(&a, 0x80000000U - 16) == -1 && errno == EINVAL);
	CHECK(imsgbuf_set_maxsize(&a, 40000) == 0 &&
	    imsgbuf_set_maxsize(&b, 40000) == 0);
	CHECK(imsg_compose(&a, 2, 0, 0, -1, payload, 40001) == -1 &&
	    imsg_compose(&a, 2, 0, 0, -1, payload, 40000) == 1);
	CHECK(imsgbuf_flush(&a) == 0);
	imsg = take(2);
	CHECK(imsg_get_len(&imsg) == 40000);
	imsg_free(&imsg);
	close_channel();
}

/*
 * More messages than one writev takes, more bytes than the socket holds, every
 * now and then a descriptor.
 */
static void
a_full_socket_is_no_error(void)
{
	static char payload[1000];
	uint32_t sent = 0, received = 0;
	struct imsg imsg;
	int fd;

	open_channel();
	set_nonblocking(sockets[0]);
	set_nonblocking(sockets[1]);
	/* nothing there */
	CHECK(imsgbuf_read(&b) == 1 && imsgbuf_get(&b, &imsg) == 0);
	for (; sent < 5000; sent++)
		CHECK(imsg_compose(&a, sent, 0, 0,
			  sent % 100 == 99 ? file_with("x") : -1, payload,
			  sent % 1000) == 1);
	while (received < sent) {
		CHECK(imsgbuf_write(&a) == 0 && imsgbuf_read(&b) == 1);
		for (; imsgbuf_get(&b, &imsg) == 1;
		    imsg_free(&imsg), received++) {
			CHECK(imsg_get_type(&imsg) == received &&
			    imsg_get_len(&imsg) == received % 1000);
			CHECK(((fd = imsg_get_fd(&imsg)) != -1) ==
			    (received % 100 == 99));
			if (fd != -1)
				close(fd);
		}
	}
	do
		CHECK(imsg_compose(&a, 0, 0, 0, -1, payload, 1000) == 1 &&
		    imsgbuf_write(&a) == 0);
	while (imsgbuf_queuelen(&a) == 0);
	CHECK(imsgbuf_write(&a) == 0 && imsgbuf_queuelen(&a) == 1);
	close(sockets[0]);
	sockets[0] = dup(sockets[1]);	/* keeps close_channel simple */
	while (imsgbuf_read(&b) == 1)
		while (imsgbuf_get(&b, &imsg) == 1)
			imsg_free(&imsg);
	CHECK(imsg_compose(&b, 1, 0, 0, -1, NULL, 0) == 1 &&
	    imsgbuf_write(&b) == -1 && errno == EPIPE);
	close_channel();
}

/* As on OpenBSD: the message comes, its descriptor does not. */
static void
a_full_table_costs_the_descriptor_alone(void)
{
	struct imsg imsg;

	open_channel();
	CHECK(imsg_compose(&a, 1, 0, 0, file_with("lost"), "text", 4) == 1);
	CHECK(imsg_compose(&a, 2, 0, 0, file_with("found"), NULL, 0) == 1);
	CHECK(imsgbuf_flush(&a) == 0);
	refusals = 1;
	imsg = take(1);
	CHECK(imsg_get_len(&imsg) == 4 && imsg_get_fd(&imsg) == -1);
	imsg_free(&imsg);
	imsg = take(2);
	CHECK(ibuf_fd_avail(imsg.buf));
	imsg_free(&imsg);
	refusals = 2;
	CHECK(imsgbuf_read(&b) == -1 && errno == EMSGSIZE && refusals == 0);
	close_channel();
}

int
main(void)
{
	static const struct test tests[] = {
		{ "buffers", buffers },
		{ "bytes on the wire", bytes_on_the_wire },
		{ "every way to compose", every_way_to_compose },
		{ "descriptors arrive with their messages",
		    descriptors_arrive_with_their_messages },
		{ "a descriptor waits for its header",
		    a_descriptor_waits_for_its_header },
		{ "descriptors without a mark are closed",
		    descriptors_without_a_mark_are_closed },
		{ "a bad length breaks the channel",
		    a_bad_length_breaks_the_channel },
		{ "the largest message fits", the_largest_message_fits },
		{ "a full socket is no error", a_full_socket_is_no_error },
		{ "a full table costs the descriptor alone",
		    a_full_table_costs_the_descriptor_alone },
	};

	RUN(tests);
	return 0;
}
