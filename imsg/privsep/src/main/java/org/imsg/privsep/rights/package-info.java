/**
 * Giving up rights: {@link org.imsg.privsep.rights.PrivilegeDrop} makes this process an ordinary user,
 * {@link org.imsg.privsep.rights.Confinement} bounds what it, or a child before it runs, can reach. Uses
 * {@code org.imsg.unix}; knows no message and no role.
 *
 * <h2>What a promise means on each system</h2>
 *
 * <p>On OpenBSD a promise is the word of pledge(2) in the second column, and the kernel kills a process that breaks it. On Linux it
 * is a seccomp(2) filter over the system calls of the third column (x86_64 and aarch64), and a call that was not promised fails:
 * with EACCES where it is about a path, a program or a new socket, with ENOSYS if the call is newer than Linux 6.6 or hides its
 * arguments (clone3, openat2), else with EPERM. A filter sees numbers, not what pointers lead to: it knows neither paths (see
 * {@link org.imsg.privsep.rights.Confinement#unveil(Path, Access...) unveil}) nor addresses. Other systems have no promises.
 *
 * <table>
 * <caption>Promises</caption>
 * <tr><th>promise</th><th>OpenBSD</th><th>Linux</th></tr>
 * <tr><td>STDIO</td><td>stdio prot_exec</td><td>read, write, poll, epoll; memory, executable too, for a JVM compiles as it runs;
 * threads; time; pipes and Unix socketpairs; signals to threads of its own; {@code sendmsg} and {@code recvmsg}, with descriptors
 * or without, on an unconnected datagram socket to any address; {@code fstat}, and by the same call ({@code AT_EMPTY_PATH}) size
 * and owner of a path; giving up more rights</td></tr>
 * <tr><td>RPATH</td><td>rpath</td><td>{@code openat} for reading; stat, access, readlink, chdir, getcwd, xattr, inotify</td></tr>
 * <tr><td>WPATH</td><td>wpath</td><td>{@code openat} for writing, truncate; for reading and writing together with RPATH</td></tr>
 * <tr><td>CPATH</td><td>cpath</td><td>{@code O_CREAT} and, with WPATH, {@code O_TMPFILE}; mkdir, rmdir, unlink, rename, link,
 * symlink</td></tr>
 * <tr><td>FATTR</td><td>fattr</td><td>chmod, utimes, setxattr</td></tr>
 * <tr><td>CHOWN</td><td>chown</td><td>chown, with the rights the process has</td></tr>
 * <tr><td>FLOCK</td><td>flock</td><td>flock, locks of fcntl</td></tr>
 * <tr><td>INET</td><td>inet</td><td>stream and datagram sockets of IPv4 and IPv6, no raw ones; connect, bind, listen, accept,
 * sendto; reading the interfaces (routing netlink, ioctl)</td></tr>
 * <tr><td>UNIX</td><td>unix</td><td>Unix sockets; the same calls</td></tr>
 * <tr><td>DNS</td><td>dns</td><td>as INET without listen and accept, to any port; the files of the resolver are RPATH's on Linux,
 * and OpenBSD's own affair there</td></tr>
 * <tr><td>RECVFD, SENDFD</td><td>recvfd, sendfd</td><td>nothing of their own: in STDIO</td></tr>
 * <tr><td>PROC</td><td>proc</td><td>fork, wait, kill, setsid; no new namespaces</td></tr>
 * <tr><td>EXEC</td><td>exec</td><td>execve; the new program has the same promises on Linux, none on OpenBSD</td></tr>
 * <tr><td>ID</td><td>id</td><td>set*id, capset, setrlimit, priorities</td></tr>
 * <tr><td>SETTIME</td><td>settime</td><td>clock_settime, adjtimex</td></tr>
 * </table>
 *
 * <p>Never allowed under any promise on Linux, whatever rights the process has: ptrace, reading other processes' memory, mounts,
 * namespaces, chroot, io_uring (which would pass the filter by), bpf, perf, keys, and all else that stands in no row.
 *
 * <p>Linux is tested, with the filters for aarch64 run as data. The calls of OpenBSD are compiled and were never run.
 */
package org.imsg.privsep.rights;
