/*
 * bench.c over bare system calls: the same bytes in the same batches, nobody looks for messages in them. A descriptor
 * goes out by sendmsg with the first byte of its message and everything up to the next one.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { READ_SIZE = 65536 };

union one_descriptor {
	struct cmsghdr align;
	char           space[CMSG_SPACE(sizeof(int))];
};

static unsigned char *buffer;
static int socket_fd;
static size_t beyond;           /* bytes that came with the messages asked for, and belong to later ones */

void
transport_open(int fd)
{
	size_t size = job.batch_bytes + BENCH_HEADER + job.size;

	socket_fd = fd;
	if ((buffer = malloc(size < READ_SIZE ? READ_SIZE : size)) == NULL)
		fail("buffer");
	memset(buffer, 1, size < READ_SIZE ? READ_SIZE : size);
}

static void
write_all(size_t size)
{
	size_t at = 0;
	ssize_t n;

	while (at < size) {
		if ((n = write(socket_fd, buffer + at, size - at)) == -1 && errno != EINTR)
			fail("write");
		if (n > 0)
			at += (size_t)n;
	}
}

static void
send_with(int fd, size_t size)
{
	union one_descriptor control;
	struct iovec iov = { buffer, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	    .msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg;
	ssize_t n;

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	do
		n = sendmsg(socket_fd, &msg, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		fail("sendmsg");
	if ((size_t)n < size)
		write_all(size - (size_t)n);
	if (!job.bare)
		close(fd);
}

void
transport_send(uint64_t count)
{
	size_t message = BENCH_HEADER + job.size;
	uint64_t fit = job.batch_bytes / message, k, n, next;
	int fd;

	if (fit == 0)
		fit = 1;
	if (fit > job.batch)
		fit = job.batch;
	for (k = 0; k < count; k += n) {
		n = count - k < fit ? count - k : fit;
		if (job.every > 0 && (next = job.every - k % job.every) < n)
			n = next;
		if ((fd = descriptor_for(k)) == -1)
			write_all(n * message);
		else
			send_with(fd, n * message);
	}
}

static size_t
read_with_descriptor(void)
{
	union one_descriptor control;
	struct iovec iov = { buffer, READ_SIZE };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
	    .msg_controllen = sizeof(control.space) };
	struct cmsghdr *cmsg;
	ssize_t n;
	int fd;

	do
		n = recvmsg(socket_fd, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n < 1)
		fail("recvmsg");
	if ((cmsg = CMSG_FIRSTHDR(&msg)) != NULL) {
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
		tally.descriptors++;
		close(fd);
	}
	return (size_t)n;
}

static size_t
read_some(void)
{
	ssize_t n;

	if (job.every > 0)
		return read_with_descriptor();
	while ((n = read(socket_fd, buffer, READ_SIZE)) == -1 && errno == EINTR)
		continue;
	if (n < 1)
		fail("read");
	return (size_t)n;
}

void
transport_receive(uint64_t count)
{
	size_t message = BENCH_HEADER + job.size;
	uint64_t wanted = count * message, have = beyond;

	while (have < wanted)
		have += read_some();
	beyond = have - wanted;
	tally.messages += count;
}
