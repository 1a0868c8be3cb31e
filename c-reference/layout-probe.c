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
 * Prints, as JSON, what this system's C compiler makes of the structs and
 * constants that the Java side binds.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE	/* struct ucred, O_PATH */
#endif
#include <sys/types.h>
#include <sys/param.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "padding-cases.h"

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/timex.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#define HAVE_OPEN_HOW	1
#endif
#else
#include <sys/event.h>
#define HAVE_BSD_ADDRESSES	1
#endif
#if defined(__FreeBSD__) || defined(__APPLE__)
#include <sys/ucred.h>
#endif

#if defined(__linux__) && defined(__GLIBC__)
#define OS	"linux"
#elif defined(__linux__)
#define OS	"linux-musl"
#elif defined(__OpenBSD__)
#define OS	"openbsd"
#elif defined(__FreeBSD__)
#define OS	"freebsd"
#elif defined(__APPLE__)
#define OS	"macos"
#else
#define OS	"other"
#endif

#if defined(__x86_64__)
#define ARCH	"x86_64"
#elif defined(__aarch64__) || defined(__arm64__)
#define ARCH	"aarch64"
#elif defined(__riscv)
#define ARCH	"riscv64"
#elif defined(__s390x__)
#define ARCH	"s390x"
#elif defined(__i386__)
#define ARCH	"x86"
#else
#define ARCH	"other"
#endif

static const char *separator = "";

static void
section(const char *name)
{
	printf("%s\n  \"%s\": {", *separator == '\0' ? "" : "\n  },", name);
	separator = "";
}

static void
entry(const char *name, long long value)
{
	printf("%s\n    \"%s\": %lld", separator, name, value);
	separator = ",";
}

static void
member_entry(const char *type, const char *name, long long value)
{
	printf("%s\n    \"%s.%s\": %lld", separator, type, name, value);
	separator = ",";
}

/*
 * One list of members serves three sections, each with its own reading of TYPE
 * and MEMBER.
 */
enum what { SIZE, OFFSET, WIDTH };

#define TYPE(type) \
	do {                                        \
		if (what == SIZE)                   \
			entry(#type, sizeof(type)); \
	} while (0)
#define MEMBER(type, name) \
	do {                                                                   \
		if (what == OFFSET)                                            \
			member_entry(#type, #name, offsetof(type, name));      \
		else if (what == WIDTH)                                        \
			member_entry(#type, #name, sizeof(((type *)0)->name)); \
	} while (0)

static void
structs(enum what what)
{
	TYPE(struct msghdr);
	MEMBER(struct msghdr, msg_name);
	MEMBER(struct msghdr, msg_namelen);
	MEMBER(struct msghdr, msg_iov);
	MEMBER(struct msghdr, msg_iovlen);
	MEMBER(struct msghdr, msg_control);
	MEMBER(struct msghdr, msg_controllen);
	MEMBER(struct msghdr, msg_flags);
	TYPE(struct cmsghdr);
	MEMBER(struct cmsghdr, cmsg_len);
	MEMBER(struct cmsghdr, cmsg_level);
	MEMBER(struct cmsghdr, cmsg_type);
	TYPE(struct iovec);
	MEMBER(struct iovec, iov_base);
	MEMBER(struct iovec, iov_len);
	TYPE(struct sockaddr_un);
	MEMBER(struct sockaddr_un, sun_family);
	MEMBER(struct sockaddr_un, sun_path);
	TYPE(struct sockaddr_in);
	MEMBER(struct sockaddr_in, sin_family);
	MEMBER(struct sockaddr_in, sin_port);
	MEMBER(struct sockaddr_in, sin_addr);
	MEMBER(struct sockaddr_in, sin_zero);
	TYPE(struct sockaddr_in6);
	MEMBER(struct sockaddr_in6, sin6_family);
	MEMBER(struct sockaddr_in6, sin6_port);
	MEMBER(struct sockaddr_in6, sin6_flowinfo);
	MEMBER(struct sockaddr_in6, sin6_addr);
	MEMBER(struct sockaddr_in6, sin6_scope_id);
#ifdef HAVE_BSD_ADDRESSES
	MEMBER(struct sockaddr_un, sun_len);
	MEMBER(struct sockaddr_in, sin_len);
	MEMBER(struct sockaddr_in6, sin6_len);
#endif
	TYPE(struct pollfd);
	MEMBER(struct pollfd, fd);
	MEMBER(struct pollfd, events);
	MEMBER(struct pollfd, revents);
	TYPE(struct timespec);
	MEMBER(struct timespec, tv_sec);
	MEMBER(struct timespec, tv_nsec);
#ifdef __linux__
	TYPE(struct timex);
	MEMBER(struct timex, modes);
	MEMBER(struct timex, offset);
	MEMBER(struct timex, freq);
#endif
	TYPE(struct stat);
	MEMBER(struct stat, st_dev);
	MEMBER(struct stat, st_ino);
	MEMBER(struct stat, st_mode);
	MEMBER(struct stat, st_nlink);
	MEMBER(struct stat, st_uid);
	MEMBER(struct stat, st_gid);
	MEMBER(struct stat, st_size);
	TYPE(struct passwd);
	MEMBER(struct passwd, pw_name);
	MEMBER(struct passwd, pw_uid);
	MEMBER(struct passwd, pw_gid);
	MEMBER(struct passwd, pw_gecos);
	MEMBER(struct passwd, pw_dir);
	MEMBER(struct passwd, pw_shell);
	TYPE(struct group);
	MEMBER(struct group, gr_name);
	MEMBER(struct group, gr_gid);
	MEMBER(struct group, gr_mem);
	MEMBER(struct dirent, d_name);
	TYPE(struct rlimit);
	MEMBER(struct rlimit, rlim_cur);
	MEMBER(struct rlimit, rlim_max);
#ifdef __linux__
	TYPE(struct ucred);
	MEMBER(struct ucred, pid);
	MEMBER(struct ucred, uid);
	MEMBER(struct ucred, gid);
	TYPE(struct epoll_event);
	MEMBER(struct epoll_event, events);
	MEMBER(struct epoll_event, data);
#else
	TYPE(struct kevent);
	MEMBER(struct kevent, ident);
	MEMBER(struct kevent, filter);
	MEMBER(struct kevent, flags);
	MEMBER(struct kevent, fflags);
	MEMBER(struct kevent, data);
	MEMBER(struct kevent, udata);
#endif
#ifdef HAVE_OPEN_HOW
	TYPE(struct open_how);
	MEMBER(struct open_how, flags);
	MEMBER(struct open_how, mode);
	MEMBER(struct open_how, resolve);
#endif
#ifdef __OpenBSD__
	TYPE(struct sockpeercred);
	MEMBER(struct sockpeercred, uid);
	MEMBER(struct sockpeercred, gid);
	MEMBER(struct sockpeercred, pid);
#endif
#if defined(__FreeBSD__) || defined(__APPLE__)
	TYPE(struct xucred);
	MEMBER(struct xucred, cr_version);
	MEMBER(struct xucred, cr_uid);
	MEMBER(struct xucred, cr_ngroups);
	MEMBER(struct xucred, cr_groups);
#endif
}

#define CONSTANT(name) entry(#name, (long long)(name))

static void
constants(void)
{
	CONSTANT(AF_UNIX);
	CONSTANT(AF_INET);
	CONSTANT(AF_INET6);
	CONSTANT(SOCK_STREAM);
	CONSTANT(SOCK_DGRAM);
	CONSTANT(SOCK_SEQPACKET);
	CONSTANT(SOL_SOCKET);
	CONSTANT(SO_TYPE);
	CONSTANT(SO_ERROR);
	CONSTANT(SO_SNDBUF);
	CONSTANT(SO_RCVBUF);
	CONSTANT(SO_REUSEADDR);
	CONSTANT(SO_ACCEPTCONN);
	CONSTANT(SCM_RIGHTS);
	CONSTANT(MSG_DONTWAIT);
	CONSTANT(MSG_CTRUNC);
	CONSTANT(MSG_TRUNC);
	CONSTANT(MSG_PEEK);
	CONSTANT(SHUT_RD);
	CONSTANT(SHUT_WR);
	CONSTANT(SHUT_RDWR);
	CONSTANT(POLLIN);
	CONSTANT(POLLOUT);
	CONSTANT(POLLERR);
	CONSTANT(POLLHUP);
	CONSTANT(POLLNVAL);
	CONSTANT(F_DUPFD_CLOEXEC);
	CONSTANT(F_GETFD);
	CONSTANT(F_SETFD);
	CONSTANT(F_GETFL);
	CONSTANT(F_SETFL);
	CONSTANT(FD_CLOEXEC);
	CONSTANT(LOCK_EX);
	CONSTANT(LOCK_NB);
	CONSTANT(O_RDONLY);
	CONSTANT(O_WRONLY);
	CONSTANT(O_RDWR);
	CONSTANT(O_CREAT);
	CONSTANT(O_EXCL);
	CONSTANT(O_TRUNC);
	CONSTANT(O_APPEND);
	CONSTANT(O_NONBLOCK);
	CONSTANT(O_CLOEXEC);
	CONSTANT(O_NOFOLLOW);
	CONSTANT(O_DIRECTORY);
	CONSTANT(O_ACCMODE);
	CONSTANT(S_IFMT);
	CONSTANT(S_IFSOCK);
	CONSTANT(S_IFREG);
	CONSTANT(S_IFIFO);
	CONSTANT(S_IFCHR);
	CONSTANT(S_IFDIR);
	CONSTANT(SEEK_SET);
	CONSTANT(SEEK_CUR);
	CONSTANT(SEEK_END);
	CONSTANT(POSIX_SPAWN_SETSIGDEF);
	CONSTANT(S_IFLNK);
	CONSTANT(O_NOCTTY);
	CONSTANT(AT_SYMLINK_NOFOLLOW);
	CONSTANT(AT_REMOVEDIR);
	CONSTANT(IPPROTO_IPV6);
	CONSTANT(IPV6_V6ONLY);
	CONSTANT(CLOCK_REALTIME);
#ifdef __linux__
	CONSTANT(ADJ_FREQUENCY);
	CONSTANT(ADJ_OFFSET_SINGLESHOT);
#endif
	CONSTANT(RLIMIT_CPU);
	CONSTANT(RLIMIT_FSIZE);
	CONSTANT(RLIMIT_DATA);
	CONSTANT(RLIMIT_CORE);
	CONSTANT(RLIMIT_NPROC);
	CONSTANT(RLIMIT_NOFILE);
	CONSTANT(RLIMIT_MEMLOCK);
	CONSTANT(POSIX_SPAWN_SETSIGMASK);
	CONSTANT(POSIX_SPAWN_SETPGROUP);
	CONSTANT(P_PID);
	CONSTANT(WEXITED);
	CONSTANT(WNOWAIT);
#ifdef POSIX_SPAWN_SETSID
	CONSTANT(POSIX_SPAWN_SETSID);
#endif
#ifdef SOCK_CLOEXEC
	CONSTANT(SOCK_CLOEXEC);
#endif
#ifdef SOCK_NONBLOCK
	CONSTANT(SOCK_NONBLOCK);
#endif
#ifdef SO_DOMAIN
	CONSTANT(SO_DOMAIN);
#endif
#ifdef SO_PEERCRED
	CONSTANT(SO_PEERCRED);
#endif
#ifdef LOCAL_PEERCRED
	CONSTANT(LOCAL_PEERCRED);
#endif
#ifdef SO_NOSIGPIPE
	CONSTANT(SO_NOSIGPIPE);
#endif
#ifdef MSG_NOSIGNAL
	CONSTANT(MSG_NOSIGNAL);
#endif
#ifdef MSG_CMSG_CLOEXEC
	CONSTANT(MSG_CMSG_CLOEXEC);
#endif
#ifdef O_PATH
	CONSTANT(O_PATH);
#endif
#ifdef AT_EMPTY_PATH
	CONSTANT(AT_EMPTY_PATH);
#endif
#ifdef HAVE_OPEN_HOW
	CONSTANT(RESOLVE_NO_XDEV);
	CONSTANT(RESOLVE_NO_MAGICLINKS);
	CONSTANT(RESOLVE_NO_SYMLINKS);
	CONSTANT(RESOLVE_BENEATH);
#endif
#ifdef __linux__
	CONSTANT(EDQUOT);
	CONSTANT(EHOSTDOWN);
	CONSTANT(ENETDOWN);
	CONSTANT(EPOLLIN);
	CONSTANT(EPOLLOUT);
	CONSTANT(EPOLLERR);
	CONSTANT(EPOLLHUP);
	CONSTANT(EPOLLONESHOT);
	CONSTANT(EPOLLET);
	CONSTANT(EPOLL_CTL_ADD);
	CONSTANT(EPOLL_CTL_MOD);
	CONSTANT(EPOLL_CTL_DEL);
	CONSTANT(EPOLL_CLOEXEC);
#else
	CONSTANT(EVFILT_READ);
	CONSTANT(EVFILT_WRITE);
	CONSTANT(EV_ADD);
	CONSTANT(EV_DELETE);
	CONSTANT(EV_ONESHOT);
#endif
	/* Lengths, which say how control messages are aligned. */
	CONSTANT(CMSG_LEN(0));
	CONSTANT(CMSG_LEN(4));
	CONSTANT(CMSG_SPACE(0));
	CONSTANT(CMSG_SPACE(4));
	CONSTANT(CMSG_SPACE(8));

	CONSTANT(E2BIG);
	CONSTANT(EACCES);
	CONSTANT(EADDRINUSE);
	CONSTANT(EADDRNOTAVAIL);
	CONSTANT(EAFNOSUPPORT);
	CONSTANT(EAGAIN);
	CONSTANT(EALREADY);
	CONSTANT(EBADF);
	CONSTANT(EBADMSG);
	CONSTANT(EBUSY);
	CONSTANT(ECHILD);
	CONSTANT(ECONNABORTED);
	CONSTANT(ECONNREFUSED);
	CONSTANT(ECONNRESET);
	CONSTANT(EDEADLK);
	CONSTANT(EDESTADDRREQ);
	CONSTANT(EEXIST);
	CONSTANT(EFAULT);
	CONSTANT(EFBIG);
	CONSTANT(EHOSTUNREACH);
	CONSTANT(EINPROGRESS);
	CONSTANT(EINTR);
	CONSTANT(EINVAL);
	CONSTANT(EIO);
	CONSTANT(EISCONN);
	CONSTANT(EISDIR);
	CONSTANT(ELOOP);
	CONSTANT(EMFILE);
	CONSTANT(EMLINK);
	CONSTANT(EMSGSIZE);
	CONSTANT(ENAMETOOLONG);
	CONSTANT(ENETUNREACH);
	CONSTANT(ENFILE);
	CONSTANT(ENOBUFS);
	CONSTANT(ENODEV);
	CONSTANT(ENOENT);
	CONSTANT(ENOEXEC);
	CONSTANT(ENOLCK);
	CONSTANT(ENOMEM);
	CONSTANT(ENOPROTOOPT);
	CONSTANT(ENOSPC);
	CONSTANT(ENOSYS);
	CONSTANT(ENOTCONN);
	CONSTANT(ENOTDIR);
	CONSTANT(ENOTEMPTY);
	CONSTANT(ENOTSOCK);
	CONSTANT(ENOTSUP);
	CONSTANT(ENOTTY);
	CONSTANT(ENXIO);
	CONSTANT(EOPNOTSUPP);
	CONSTANT(EOVERFLOW);
	CONSTANT(EPERM);
	CONSTANT(EPIPE);
	CONSTANT(EPROTO);
	CONSTANT(EPROTONOSUPPORT);
	CONSTANT(EPROTOTYPE);
	CONSTANT(ERANGE);
	CONSTANT(EROFS);
	CONSTANT(ESHUTDOWN);
	CONSTANT(ESPIPE);
	CONSTANT(ESRCH);
	CONSTANT(ESTALE);
	CONSTANT(ETIMEDOUT);
	CONSTANT(ETOOMANYREFS);
	CONSTANT(ETXTBSY);
	CONSTANT(EWOULDBLOCK);
	CONSTANT(EXDEV);
}

/*
 * The structs of padding-cases.h: a Java record with the same members must come
 * out the same.
 */
static const char *field_separator;

static void
begin_struct(const char *name, size_t size, size_t align)
{
	printf("%s\n    {\"name\": \"%s\", \"size\": %zu, \"align\": %zu, "
	       "\"fields\": [",
	    separator, name, size, align);
	separator = "]},";
	field_separator = "";
}

static void
field(const char *name, size_t offset, size_t size)
{
	printf("%s\n      {\"name\": \"%s\", \"offset\": %zu, \"size\": %zu}",
	    field_separator, name, offset, size);
	field_separator = ",";
}

#define BEGIN(type) \
	begin_struct(#type, sizeof(struct type), _Alignof(struct type));
#define FIELD(type, name) \
	field(#name, offsetof(struct type, name), \
	    sizeof(((struct type *)0)->name));
#define FLEXIBLE(type, name) field(#name, offsetof(struct type, name), 0);

static void
padding_cases(void)
{
	PADDING_CASES(BEGIN, FIELD, FLEXIBLE)
	printf("]}");
}

int
main(void)
{
	printf("{\n  \"os\": \"%s\",\n  \"arch\": \"%s\",", OS, ARCH);
	section("sizeof");
	structs(SIZE);
	section("offsetof");
	structs(OFFSET);
	section("width");
	structs(WIDTH);
	section("constant");
	constants();
	printf("\n  },\n  \"cstruct\": [");
	separator = "";
	padding_cases();
	printf("\n  ]\n}\n");
	return fflush(stdout) == EOF;
}
