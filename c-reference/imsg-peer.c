/* A program to test an imsg implementation against: the command line and the socket. README.md lists the modes. */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg-peer.h"

struct options options = { .max_payload = MAX_IMSGSIZE - IMSG_HEADER_SIZE, .count = 1, .type = 1 };
struct imsgbuf channel;

static const char *listening_at;        /* to be unlinked, or NULL */

void
fail(const char *format, ...)
{
	int error = errno;
	va_list args;

	fprintf(stderr, "imsg-peer: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}

void
usage(const char *format, ...)
{
	va_list args;

	if (format != NULL) {
		fprintf(stderr, "imsg-peer: ");
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fprintf(stderr, "\n");
	}
	fprintf(stderr,
	    "usage: imsg-peer [-s FD | -c PATH | -l PATH] [-m MAXPAYLOAD] [-n COUNT] [-z SIZE]\n"
	    "                 [-t TYPE] [-i PEERID] [-p PID] MODE [ARG...]\n"
	    "modes: echo, pingpong, source, sink, sendfd FILE..., recvfd TEXT, count-fds,\n"
	    "       split OFFSET [FILE], late OFFSET FILE, dribble N [FILE],\n"
	    "       misbehave KIND\n"
	    "kinds: short-length, zero-length, long-length, huge-length, mark-without-fd,\n"
	    "       fd-without-mark, two-fds, fd-then-late-mark, die-in-header, die-in-payload,\n"
	    "       reset, flood\n");
	exit(EXIT_USAGE);
}

uint64_t
number(const char *what, const char *text, uint64_t max)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	/* strtoull takes a minus sign and wraps the number around. */
	if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL || n > max)
		usage("%s must be a number from 0 to %llu, not %s", what, (unsigned long long)max, text);
	return n;
}

const unsigned char *
pattern(uint64_t k, size_t size)
{
	static unsigned char *bytes;
	static size_t have;
	size_t i, wanted = size + 256;

	/* One long run of 0, 1, 2... that every message starts somewhere in: no filling per message. */
	if (wanted > have) {
		if ((bytes = realloc(bytes, wanted)) == NULL)
			fail("%zu bytes of payload", size);
		for (i = have; i < wanted; i++)
			bytes[i] = (unsigned char)i;
		have = wanted;
	}
	return bytes + (k & 0xff);
}

uint32_t
id_of(uint64_t index)
{
	return options.has_id ? options.id : (uint32_t)index;
}

int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		fail("open %s", path);
	return fd;
}

void
finish(void)
{
	if (imsgbuf_flush(&channel) == -1)
		fail("write");
	/* The peer may have gone first, which is its right. */
	if (shutdown(channel.fd, SHUT_WR) == -1 && errno != ENOTCONN && errno != EPIPE)
		fail("shutdown");
}

static void
unlink_socket(void)
{
	if (listening_at != NULL)
		unlink(listening_at);
}

static void
stopped(int signal_number)
{
	unlink_socket();
	_exit(128 + signal_number);
}

static int
unix_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		usage("a socket's path has at most %zu bytes: %s", sizeof(address->sun_path) - 1, path);
	strcpy(address->sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		fail("socket");
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address;
	int fd = unix_socket(path, &address);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		fail("connect %s", path);
	return fd;
}

static int
accept_one(const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int listener = unix_socket(path, &address), fd;

	/* Only a socket is removed, never somebody's file; bind then says what is wrong. */
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == -1)
		fail("bind %s", path);
	listening_at = path;
	atexit(unlink_socket);
	signal(SIGTERM, stopped);
	signal(SIGINT, stopped);
	signal(SIGHUP, stopped);
	if (listen(listener, 1) == -1)
		fail("listen %s", path);
	puts("listening");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) == -1)
		if (errno != EINTR && errno != ECONNABORTED)
			fail("accept %s", path);
	close(listener);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static void
start(int fd)
{
	struct rlimit limit;
	int flags;

	/* Inherited, it may be non-blocking; the modes that want that say so themselves. */
	if ((flags = fcntl(fd, F_GETFL)) == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		fail("descriptor %d", fd);
	/* The system's imsg may write without MSG_NOSIGNAL, and the cause is to be printed. */
	signal(SIGPIPE, SIG_IGN);
	/* A queue of messages to be echoed may hold many descriptors. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (imsgbuf_init(&channel, fd) == -1)
		fail("imsgbuf_init");
	imsgbuf_allow_fdpass(&channel);
	if (imsgbuf_set_maxsize(&channel, options.max_payload) == -1)
		fail("a maximum payload of %u", (unsigned)options.max_payload);
}

struct mode {
	const char *name;
	int         min, max;   /* of arguments; max -1: any number */
};

static const struct mode modes[] = {
	{ "echo", 0, 0 }, { "pingpong", 0, 0 }, { "source", 0, 0 }, { "sink", 0, 0 },
	{ "sendfd", 1, -1 }, { "recvfd", 1, 1 }, { "count-fds", 0, 0 },
	{ "split", 1, 2 }, { "late", 2, 2 }, { "dribble", 1, 2 }, { "misbehave", 1, 1 },
};

static void
check_mode(const char *name, int args)
{
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0) {
			if (args < modes[i].min || (modes[i].max != -1 && args > modes[i].max))
				usage("wrong number of arguments for %s", name);
			return;
		}
	usage("no such mode: %s", name);
}

static void
run(char **arg)
{
	const char *mode = arg[0];

	if (strcmp(mode, "echo") == 0)
		echo();
	else if (strcmp(mode, "pingpong") == 0)
		pingpong();
	else if (strcmp(mode, "source") == 0)
		source();
	else if (strcmp(mode, "sink") == 0)
		sink();
	else if (strcmp(mode, "sendfd") == 0)
		sendfd(arg + 1);
	else if (strcmp(mode, "recvfd") == 0)
		recvfd(arg[1]);
	else if (strcmp(mode, "count-fds") == 0)
		count_fds();
	else if (strcmp(mode, "split") == 0)
		split(number("OFFSET", arg[1], SIZE_MAX), arg[2]);
	else if (strcmp(mode, "late") == 0)
		late(number("OFFSET", arg[1], SIZE_MAX), arg[2]);
	else if (strcmp(mode, "dribble") == 0)
		dribble(number("N", arg[1], SIZE_MAX), arg[2]);
	else
		misbehave(arg[1]);
}

int
main(int argc, char **argv)
{
	const char *path = NULL;
	int option, how = 's', fd = 3;

	while ((option = getopt(argc, argv, "s:c:l:m:n:z:t:i:p:h")) != -1)
		switch (option) {
		case 's':
			how = 's';
			fd = (int)number("FD", optarg, 1 << 20);
			break;
		case 'c':
		case 'l':
			how = option;
			path = optarg;
			break;
		case 'm':
			options.max_payload = (uint32_t)number("MAXPAYLOAD", optarg, UINT32_MAX);
			break;
		case 'n':
			options.count = number("COUNT", optarg, UINT64_MAX);
			break;
		case 'z':
			options.size = number("SIZE", optarg, UINT32_MAX);
			break;
		case 't':
			options.type = (uint32_t)number("TYPE", optarg, UINT32_MAX);
			break;
		case 'i':
			options.has_id = 1;
			options.id = (uint32_t)number("PEERID", optarg, UINT32_MAX);
			break;
		case 'p':
			options.pid = (pid_t)(uint32_t)number("PID", optarg, UINT32_MAX);
			break;
		default:
			usage(NULL);
		}
	if (optind == argc)
		usage("MODE is missing");
	check_mode(argv[optind], argc - optind - 1);
	start(how == 'c' ? connect_to(path) : how == 'l' ? accept_one(path) : fd);
	run(argv + optind);
	imsgbuf_clear(&channel);
	return 0;
}
