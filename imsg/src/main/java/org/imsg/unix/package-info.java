/**
 * Descriptors with an owner: opening, passing on and closing them, reading and writing through them, and what Unix sockets
 * know of each other. Knows no message.
 *
 * <p>An {@link org.imsg.unix.Fd} says who closes a descriptor: a method that takes one over says so, {@code dup} makes a second
 * owner, and a forgotten one is closed with a warning. {@link org.imsg.unix.FdChannel} reads and writes through one;
 * {@link org.imsg.unix.JdkChannels} makes a channel of the JDK of it. {@link org.imsg.unix.UnixListener} accepts,
 * {@link org.imsg.unix.PeerCredentials} tells who is at the other end, {@link org.imsg.unix.Child} starts a program with chosen descriptors.
 * A failed system call is an {@link org.imsg.unix.ErrnoException} with its name and {@link org.imsg.unix.Errno}.
 */
package org.imsg.unix;
