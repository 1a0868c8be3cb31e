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
 * Makes system calls fail on purpose, for the tests of the Java side. An audit
 * library (see rtld-audit(7)), because that reaches the functions that a JVM
 * looks up for its foreign calls and leaves alone those it calls itself:
 *
 *     LD_AUDIT=target/fault-injector.so IMSG_FAULTS=FILE java ...
 *
 * FILE holds a struct faults, which the program maps too: it says which call
 * fails, at which time and how, and reads how often each was made.
 */
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS(X)							\
	X(accept) X(accept4) X(bind) X(chdir) X(close) X(connect)	\
	X(dup2) X(dup3) X(epoll_create1) X(epoll_ctl) X(epoll_wait)	\
	X(eventfd) X(fchmod) X(fchown) X(fchownat) X(fcntl)		\
	X(fdopendir) X(flock) X(fstat) X(fstatat) X(ftruncate)		\
	X(getsockname) X(getsockopt)					\
	X(kill) X(listen) X(open) X(openat) X(pipe) X(pipe2) X(poll)	\
	X(posix_spawn) X(pread) X(pwrite) X(read) X(readdir) X(recv)	\
	X(recvmsg) X(renameat) X(send) X(sendmsg) X(setrlimit)		\
	X(setsockopt)							\
	X(shutdown) X(socket) X(socketpair) X(syscall) X(unlinkat)	\
	X(waitid) X(waitpid) X(write)

enum {
#define NUMBER(name) CALL_##name,
	CALLS(NUMBER)
#undef NUMBER
	CALL_COUNT
};

/* How a call fails: an errno, or one of these. */
enum { SHORT = -1, WITHOUT_ROOM = -2 };

struct faults {
	int32_t	call;		/* which one fails, by its place in CALLS */
	int32_t	time;		/* from 1 on */
	int32_t	how;
	int32_t	failed;		/* how often it did */
	int32_t	made[CALL_COUNT];
};

typedef long function(long, long, long, long, long, long, long);

static const char *const names[] = {
#define NAME(name) #name,
	CALLS(NAME)
#undef NAME
};

static function *real[CALL_COUNT];
static struct faults *faults;
/* of the program: this library has a libc, and an errno, of its own */
static int *(*program_errno)(void);

/* A read or write of one byte less than asked for, or of one in all. */
static long
cut_short(int call, long a, long b, long c, long d, long e, long f, long g)
{
	struct msghdr msg;
	struct iovec iov;

	if (call != CALL_recvmsg && call != CALL_sendmsg)
		return real[call](a, b, c > 1 ? 1 : c, d, e, f, g);
	memcpy(&msg, (void *)b, sizeof(msg));
	if (msg.msg_iovlen > 0) {
		iov = msg.msg_iov[0];
		iov.iov_len = iov.iov_len > 1 ? 1 : iov.iov_len;
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
	}
	a = real[call](a, (long)&msg, c, d, e, f, g);
	((struct msghdr *)b)->msg_controllen = msg.msg_controllen;
	((struct msghdr *)b)->msg_flags = msg.msg_flags;
	return a;
}

/* As when the table of descriptors is full: bytes arrive, and no control. */
static long
without_room(int call, long a, long b, long c)
{
	struct msghdr *msg = (struct msghdr *)b;
	void *control = msg->msg_control;
	long n;

	msg->msg_control = NULL;
	msg->msg_controllen = 0;
	n = real[call](a, b, c, 0, 0, 0, 0);
	msg->msg_control = control;
	return n;
}

static long
failed(int call, long a)
{
	if (call == CALL_close)
		real[call](a, 0, 0, 0, 0, 0, 0);	/* as Linux does */
	if (call == CALL_posix_spawn)
		return faults->how;
	*program_errno() = faults->how;
	return call == CALL_fdopendir || call == CALL_readdir ? 0 : -1;
}

/*
 * What cannot fail is left alone: fcntl(2) but to duplicate, and reads and
 * writes of an eventfd, which like all anonymous inodes has no file type.
 */
static int
is_safe(int call, long a, long b)
{
	struct stat st;

	switch (call) {
	case CALL_fcntl:
		return b != F_DUPFD && b != F_DUPFD_CLOEXEC;
	case CALL_read:
	case CALL_write:
		return fstat((int)a, &st) == 0 && (st.st_mode & S_IFMT) == 0;
	default:
		return 0;
	}
}

static long
through(int call, long a, long b, long c, long d, long e, long f, long g)
{
	int32_t time;

	if (is_safe(call, a, b))
		return real[call](a, b, c, d, e, f, g);
	time = __atomic_add_fetch(&faults->made[call], 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&faults->call, __ATOMIC_SEQ_CST) != call ||
	    time != faults->time)
		return real[call](a, b, c, d, e, f, g);
	__atomic_add_fetch(&faults->failed, 1, __ATOMIC_SEQ_CST);
	if (faults->how == SHORT)
		return cut_short(call, a, b, c, d, e, f, g);
	if (faults->how == WITHOUT_ROOM)
		return without_room(call, a, b, c);
	return failed(call, a);
}

#define THROUGH(name)							\
static long								\
through_##name(long a, long b, long c, long d, long e, long f, long g)	\
{									\
	return through(CALL_##name, a, b, c, d, e, f, g);		\
}
CALLS(THROUGH)

static function *const throughs[] = {
#define ENTRY(name) through_##name,
	CALLS(ENTRY)
#undef ENTRY
};

unsigned int
la_version(unsigned int version)
{
	const char *path = getenv("IMSG_FAULTS");
	int fd;

	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return 0;
	faults = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (faults == MAP_FAILED)
		return 0;
	return version < LAV_CURRENT ? version : LAV_CURRENT;
}

unsigned int
la_objopen(struct link_map *map, Lmid_t lmid, uintptr_t *cookie)
{
	(void)lmid;
	*cookie = (uintptr_t)map;
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

uintptr_t
la_symbind64(Elf64_Sym *sym, unsigned int index, uintptr_t *from, uintptr_t *to,
    unsigned int *flags, const char *name)
{
	const struct link_map *caller = (const struct link_map *)*from;
	int i;

	(void)index;
	(void)to;
	if (strcmp(name, "__errno_location") == 0)
		program_errno = (int *(*)(void))sym->st_value;
	if ((*flags & LA_SYMB_DLSYM) == 0 || program_errno == NULL)
		return sym->st_value;
	/* The JDK's own library of file operations looks some up as well. */
	if (strstr(caller->l_name, "libnio.so") != NULL)
		return sym->st_value;
	for (i = 0; i < CALL_COUNT; i++)
		if (strcmp(name, names[i]) == 0) {
			real[i] = (function *)sym->st_value;
			return (uintptr_t)throughs[i];
		}
	return sym->st_value;
}
