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
 * Tests of imsg-peer, each mode over a socketpair. The path of the program is
 * the argument.
 */
#include <sys/wait.h>

#include <signal.h>

#include "check.h"

static const char *program;
static struct imsgbuf tester;
static int to_peer, from_peer;	/* its stdin and stdout */
static pid_t peer;

static void
move_away(int *a, int *b, int *c)
{
	*a = fcntl(*a, F_DUPFD, 10);
	*b = fcntl(*b, F_DUPFD, 10);
	*c = fcntl(*c, F_DUPFD, 10);
}

/* arguments are separated by single spaces. */
static void
start(const char *arguments)
{
	int sockets[2], in[2], out[2], n = 1;
	char line[128], *argv[16] = { "imsg-peer" }, *word;

	snprintf(line, sizeof(line), "%s", arguments);
	for (word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		argv[n++] = word;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 &&
	    pipe(in) == 0 && pipe(out) == 0);
	CHECK((peer = fork()) != -1);
	if (peer == 0) {
		int fd;

		/* Away from 0 to 3 first, or one would overwrite another. */
		for (fd = 0; fd < 2; fd++)
			move_away(&sockets[1], &in[0], &out[1]);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		dup2(sockets[1], 3);
		for (fd = 4; fd < 1024; fd++)
			close(fd);
		execv(program, argv);
		_exit(127);
	}
	close(sockets[1]);
	close(in[0]);
	close(out[1]);
	to_peer = in[1];
	from_peer = out[0];
	CHECK(imsgbuf_init(&tester, sockets[0]) == 0);
	imsgbuf_allow_fdpass(&tester);
}

static void
send_end(void)
{
	CHECK(imsgbuf_flush(&tester) == 0 && shutdown(tester.fd, SHUT_WR) == 0);
}

/* Returns its exit code. */
static int
finish(void)
{
	int status;

	imsgbuf_clear(&tester);
	close(tester.fd);
	close(to_peer);
	close(from_peer);
	CHECK(waitpid(peer, &status, 0) == peer && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct imsg
take(uint32_t type, uint32_t id, size_t len)
{
	struct imsg imsg;
	int rv;

	while ((rv = imsgbuf_get(&tester, &imsg)) == 0)
		CHECK(imsgbuf_read(&tester) == 1);
	CHECK(rv == 1 && imsg_get_type(&imsg) == type &&
	    imsg_get_id(&imsg) == id && imsg_get_len(&imsg) == len);
	return imsg;
}

static void
take_and_free(uint32_t type, uint32_t id, size_t len)
{
	struct imsg imsg = take(type, id, len);

	imsg_free(&imsg);
}

static void
compose(uint32_t type, uint32_t id, int fd, const char *text)
{
	CHECK(imsg_compose(&tester, type, id, 77, fd, text, strlen(text)) == 1);
}

static int
at_end(void)
{
	struct imsg imsg;
	int rv;

	/* Bytes of a message that will never be whole may come first. */
	while ((rv = imsgbuf_read(&tester)) == 1 &&
	    imsgbuf_get(&tester, &imsg) == 0)
		;
	return rv == 0 && imsgbuf_get(&tester, &imsg) == 0;
}

static void
echo_returns_everything(void)
{
	static char big[16000];
	unsigned char zero_pid[16];
	struct imsg imsg;
	uint32_t i;
	int fd;

	start("echo");
	compose(1, 2, file_with("mine"), "hello");
	/*
	 * Far more than the sockets hold before reading a byte: echo must go on
	 * reading.
	 */
	for (i = 0; i < 200; i++)
		CHECK(imsg_compose(&tester, 3, i, 0, -1, big,
		    sizeof(big)) == 1);
	CHECK(imsgbuf_flush(&tester) == 0);
	raw_header(zero_pid, 4, 16, 0, 9, 0);
	CHECK(write(tester.fd, zero_pid, 16) == 16);
	send_end();
	imsg = take(1, 2, 5);
	CHECK(imsg_get_pid(&imsg) == 77 && memcmp(imsg.data, "hello", 5) == 0);
	CHECK((fd = imsg_get_fd(&imsg)) != -1 && same_file(fd, "mine"));
	close(fd);
	imsg_free(&imsg);
	for (i = 0; i < 200; i++)
		take_and_free(3, i, sizeof(big));
	imsg = take(4, 9, 0);
	CHECK(imsg_get_pid(&imsg) == 0);
	imsg_free(&imsg);
	CHECK(at_end() && finish() == 0);
}

static void
pingpong_answers_at_once(void)
{
	uint32_t i;

	start("pingpong");
	for (i = 0; i < 100; i++) {
		compose(1, i, -1, "ping");
		CHECK(imsgbuf_flush(&tester) == 0);
		take_and_free(1, i, 4);
	}
	send_end();
	CHECK(at_end() && finish() == 0);
}

static void
source_sends_the_pattern(void)
{
	uint32_t k, j;

	start("-n 3000 -z 300 -t 5 -p 42 source");
	for (k = 0; k < 3000; k++) {
		struct imsg imsg = take(5, k, 300);

		CHECK(imsg_get_pid(&imsg) == 42);
		for (j = 0; j < 300; j++)
			CHECK(((unsigned char *)imsg.data)[j] ==
			    (unsigned char)(k + j));
		imsg_free(&imsg);
	}
	CHECK(at_end() && finish() == 0);
	start("-m 20000 -z 20000 -i 8 source");
	CHECK(imsgbuf_set_maxsize(&tester, 20000) == 0);
	take_and_free(1, 8, 20000);
	CHECK(at_end() && finish() == 0);
	start("-z 20000 source");
	CHECK(at_end() && finish() == 1);
}

static void
sink_counts(void)
{
	static unsigned char high[5000];
	char line[128] = "";

	memset(high, 0xff, sizeof(high));
	start("sink");
	CHECK(imsg_compose(&tester, 1, 0, 0, file_with("x"), high,
	    sizeof(high)) == 1);
	compose(1, 0, -1, "");
	compose(1, 0, -1, "\1\2\3\4\5\6\7\10\11");
	send_end();
	CHECK(read(from_peer, line, sizeof(line) - 1) > 0);
	CHECK(strcmp(line,
		  "messages=3 bytes=5009 descriptors=1 sum=1275045\n") == 0);
	CHECK(finish() == 0);
}

static void
files_are_sent_and_written_to(void)
{
	struct imsg imsg;
	char path[] = "/tmp/imsg-check.XXXXXX", line[64];
	int file = mkstemp(path), fd;
	uint32_t i;

	CHECK(file != -1 && write(file, "old", 3) == 3);
	snprintf(line, sizeof(line), "-n 3 sendfd %s /dev/null", path);
	start(line);
	for (i = 0; i < 6; i++) {
		imsg = take(1, i,
		    i % 2 == 0 ? strlen(path) : strlen("/dev/null"));
		CHECK((fd = imsg_get_fd(&imsg)) != -1 &&
		    same_file(fd, i % 2 == 0 ? "old" : ""));
		close(fd);
		imsg_free(&imsg);
	}
	CHECK(at_end() && finish() == 0);
	start("sendfd /nonexistent");
	CHECK(at_end() && finish() == 1);

	start("recvfd text");
	compose(10, 1, dup(file), "");
	compose(10, 2, -1, "");
	send_end();
	take_and_free(11, 1, 0);
	take_and_free(12, 2, 0);
	CHECK(same_file(file, "oldtext") && at_end() && finish() == 0);
	close(file);
	unlink(path);
}

static void
descriptors_are_not_kept(void)
{
	uint32_t i, count, first = 0;
	struct imsg imsg;

	start("count-fds");
	for (i = 0; i < 50; i++) {
		compose(1, i, i % 2 == 0 ? file_with("x") : -1, "");
		CHECK(imsgbuf_flush(&tester) == 0);
		imsg = take(1, i, 4);
		CHECK(imsg_get_data(&imsg, &count, 4) == 0);
		imsg_free(&imsg);
		if (i == 0)
			first = count;
		CHECK(count == first && count == 4);
	}
	send_end();
	CHECK(at_end() && finish() == 0);
}

/*
 * Every place to cut: nothing arrives before the tester says go, and the
 * descriptor is not lost.
 */
static void
split_cuts_anywhere(void)
{
	char line[64], peeked[64];
	struct imsg imsg;
	int offset, fd;

	for (offset = 0; offset <= 20; offset++) {
		snprintf(line, sizeof(line),
		    "-z 4 -t 6 -i 1 split %d /dev/null", offset);
		start(line);
		if (offset > 0 && offset < 20) {
			CHECK(imsgbuf_read(&tester) == 1 &&
			    imsgbuf_get(&tester, &imsg) == 0);
			CHECK(recv(tester.fd, peeked, sizeof(peeked),
				  MSG_PEEK | MSG_DONTWAIT) == -1);
			CHECK(write(to_peer, "g", 1) == 1);
		}
		imsg = take(6, 1, 4);
		CHECK(memcmp(imsg.data, "\0\1\2\3", 4) == 0 &&
		    (fd = imsg_get_fd(&imsg)) != -1);
		close(fd);
		imsg_free(&imsg);
		take_and_free(7, 1, 0);
		CHECK(at_end() && finish() == 0);
	}
	for (offset = 1; offset < 30; offset += 6) {
		snprintf(line, sizeof(line), "-z 10 -t 6 dribble %d", offset);
		start(line);
		take_and_free(6, 0, 10);
		CHECK(at_end() && finish() == 0);
	}
}

/*
 * Here and there, a descriptor that comes with the rest of a header is its
 * message's at once.
 */
static void
late_descriptors_are_delivered(void)
{
	char line[64];
	struct imsg imsg;
	int offset, fd;

	for (offset = 1; offset < 16; offset++) {
		snprintf(line, sizeof(line), "-z 4 -t 6 -i 1 late %d /dev/null",
		    offset);
		start(line);
		CHECK(imsgbuf_read(&tester) == 1 &&
		    imsgbuf_get(&tester, &imsg) == 0);
		CHECK(write(to_peer, "g", 1) == 1);
		imsg = take(6, 1, 4);
		CHECK((fd = imsg_get_fd(&imsg)) != -1);
		close(fd);
		imsg_free(&imsg);
		CHECK(write(to_peer, "g", 1) == 1);
		CHECK(at_end() && finish() == 0);
	}
}

static void
expect(const char *kind, uint32_t bare_messages, int descriptors,
    uint32_t good_after)
{
	struct imsg imsg;
	char line[64];
	uint32_t i;
	int fd, got = 0;

	snprintf(line, sizeof(line), "-t 3 -n 20 misbehave %s", kind);
	start(line);
	take_and_free(3, 0, 4);
	for (i = 0; i < bare_messages; i++) {
		imsg = take(3, strcmp(kind, "flood") == 0 ? i : 0, 0);
		if ((fd = imsg_get_fd(&imsg)) != -1) {
			got++;
			close(fd);
		}
		imsg_free(&imsg);
	}
	CHECK(got == descriptors);
	for (i = 0; i < good_after; i++)
		take_and_free(3, 0, 4);
	CHECK(at_end() && finish() == 0);
}

static void
expect_protocol_error(const char *kind)
{
	struct imsg imsg;
	char line[64];

	snprintf(line, sizeof(line), "misbehave %s", kind);
	start(line);
	while (imsgbuf_read(&tester) == 1)
		;
	CHECK(errno == ERANGE && imsgbuf_get(&tester, &imsg) == 1 &&
	    imsg_get_len(&imsg) == 4);
	imsg_free(&imsg);
	CHECK(finish() == 0);
}

static void
misbehaviour_is_as_announced(void)
{
	expect_protocol_error("short-length");
	expect_protocol_error("zero-length");
	expect_protocol_error("long-length");
	expect_protocol_error("huge-length");
	expect("mark-without-fd", 1, 0, 1);
	expect("fd-without-mark", 1, 0, 1);
	expect("two-fds", 1, 1, 1);
	expect("fd-then-late-mark", 2, 0, 0);
	expect("die-in-header", 0, 0, 0);
	expect("die-in-payload", 0, 0, 0);
	expect("flood", 20, 20, 0);
	start("misbehave reset");
	take_and_free(1, 0, 4);
	CHECK(imsg_compose(&tester, 1, 0, 0, -1, NULL, 0) == 1 &&
	    imsgbuf_flush(&tester) == 0);
#ifdef __linux__
	CHECK(imsgbuf_read(&tester) == -1 && errno == ECONNRESET);
#else
	CHECK(imsgbuf_read(&tester) <= 0);
#endif
	CHECK(finish() == 0);
}

/* Messages that were whole before the broken one are still answered. */
static void
a_broken_stream_is_exit_code_3(void)
{
	static const char *const modes[] = { "echo", "pingpong", "count-fds",
		"recvfd x" };
	unsigned char bad[16];
	size_t i;

	raw_header(bad, 1, 3, 0, 0, 0);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		start(modes[i]);
		compose(1, 5, -1, "good");
		CHECK(imsgbuf_flush(&tester) == 0 &&
		    write(tester.fd, bad, 16) == 16);
		take_and_free(i == 3 ? 3 : 1, 5, i == 3 ? 0 : 4);
		CHECK(at_end() && finish() == 3);
	}
}

static void
a_wrong_command_line_is_exit_code_2(void)
{
	static const char *const lines[] = { "", "-h", "nothing", "-z x source",
		"-n -1 source", "-t 4294967296 source", "sendfd", "echo more",
		"dribble 0", "late 16 /dev/null", "misbehave oddly", "-q" };
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		start(lines[i]);
		CHECK(finish() == 2);
	}
	start("-s 60 echo");
	CHECK(finish() == 1);
}

int
main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "echo returns everything", echo_returns_everything },
		{ "pingpong answers at once", pingpong_answers_at_once },
		{ "source sends the pattern", source_sends_the_pattern },
		{ "sink counts", sink_counts },
		{ "files are sent and written to",
		    files_are_sent_and_written_to },
		{ "descriptors are not kept", descriptors_are_not_kept },
		{ "split cuts anywhere", split_cuts_anywhere },
		{ "late descriptors are delivered",
		    late_descriptors_are_delivered },
		{ "misbehaviour is as announced",
		    misbehaviour_is_as_announced },
		{ "a broken stream is exit code 3",
		    a_broken_stream_is_exit_code_3 },
		{ "a wrong command line is exit code 2",
		    a_wrong_command_line_is_exit_code_2 },
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	RUN(tests);
	return 0;
}
