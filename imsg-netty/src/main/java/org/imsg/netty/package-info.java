/**
 * Netty channels that carry bytes and descriptors together, the codec that makes messages of them, and sockets that
 * move between processes. Knows nothing of {@code org.imsg.netty.handler}.
 *
 * {@snippet file = "org/imsg/netty/FileServer.java" region = "server"}
 *
 * <h2>Channel</h2>
 *
 * <p>{@link org.imsg.netty.ImsgSocketChannel} runs on Netty's epoll, kqueue and io_uring loops: as a client by {@code Bootstrap}, around an
 * inherited socket, or behind Netty's own server channel with {@link org.imsg.netty.ImsgServer} as its handler. Without a codec a
 * handler reads buffers, and an {@link org.imsg.netty.FdBuf} where a descriptor came with the bytes.
 *
 * <h2>Codec</h2>
 *
 * <p>{@link org.imsg.netty.ImsgCodec} makes an {@link org.imsg.netty.ImsgMessage} of each message and writes one as bytes and descriptor.
 * {@link org.imsg.netty.ImsgCodec#batched() batched} makes one {@link org.imsg.netty.ImsgBatch} of a read instead, whose cursor allocates
 * nothing. On Netty's own channels the same codec carries messages without descriptors.
 *
 * <h2>Threads</h2>
 *
 * <p>Handlers run on the channel's event loop, and writing is safe from any thread, as with every Netty channel.
 * {@link org.imsg.netty.ImsgCodec#compose(int, int, int, org.imsg.unix.Fd, byte[]) compose} and a batch belong to the event loop.
 *
 * <h2>Ends</h2>
 *
 * <p>A header that cannot be one, or an end inside a message, is told to {@code exceptionCaught} once, and the channel is closed. A write
 * that the kernel refuses for its descriptor fails alone.
 *
 * <h2>Descriptors</h2>
 *
 * <p>They are received after {@link org.imsg.netty.ImsgChannelOption#ALLOW_FD_PASSING}. A message owns its descriptor: {@code takeFd} moves
 * it to the caller, the last release closes it, and Netty's leak detector watches both. {@link org.imsg.netty.Handover} gives sockets
 * to another process.
 */
package org.imsg.netty;
