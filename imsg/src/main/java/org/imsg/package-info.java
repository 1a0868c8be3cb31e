/**
 * Messages and descriptors over Unix stream sockets: {@link org.imsg.ImsgChannel} carries them, {@link org.imsg.Imsg} is one message,
 * {@link org.imsg.Ibuf} builds and takes apart payloads. Uses {@code org.imsg.unix} and {@code org.imsg.cstruct}, which do not
 * know this package.
 *
 * {@snippet file = "org/imsg/ChannelSnippets.java" region = "client"}
 *
 * <h2>Write</h2>
 *
 * <p>{@link org.imsg.ImsgChannel#send(Imsg) send} sends one message and returns when the kernel has it. For many, queue them with
 * {@link org.imsg.ImsgChannel#compose(int, int, int, byte[]) compose} and send them together with
 * {@link org.imsg.ImsgChannel#flush() flush}. The queue has a bound, {@link org.imsg.ImsgChannel#maxQueued(int) maxQueued}; a message
 * that is refused there is still the caller's.
 *
 * <h2>Read</h2>
 *
 * <p>{@link org.imsg.ImsgChannel#receive() receive} waits for one message and returns it. For many,
 * {@link org.imsg.ImsgChannel#read(ImsgHandler) read} shows every whole message of one recvmsg(2) to a handler, as an
 * {@link org.imsg.ImsgView} that is valid inside the call. A daemon's answer of many messages is
 * {@link org.imsg.ImsgChannel#replies(int...) replies}.
 *
 * <h2>Payloads</h2>
 *
 * <p>An {@link org.imsg.Ibuf} adds and gets numbers in the machine's order ({@code H}) or the network's ({@code N}), strings and bytes. A C
 * struct is a record: {@link org.imsg.cstruct.CStruct}.
 *
 * <h2>Threads</h2>
 *
 * <p>Any thread, platform or virtual, may call any method of a channel beside any other. Each direction has one turn, for which a call
 * waits; {@link org.imsg.ImsgChannel#batch() batch} holds that of sending. An {@code Ibuf} belongs to one thread at a time, an
 * {@link org.imsg.IbufQueue} takes it from one to another. {@link org.imsg.ImsgListener#serve(org.imsg.unix.ConnectionHandler) serve} runs
 * a virtual thread for each client.
 *
 * <h2>Ends</h2>
 *
 * <p>The clean end of the stream is null from a method that returns a message and -1 from one that returns a number. An end inside a
 * message is an {@link org.imsg.ImsgEofException}, a header that cannot be one an {@link org.imsg.ImsgProtocolException}: each comes
 * after every message that arrived before it, to every caller and every time. {@link org.imsg.ImsgChannel#close() close} wakes every
 * waiting thread and leaves the connection to every other holder of the socket.
 *
 * <h2>Descriptors</h2>
 *
 * <p>They travel after {@link org.imsg.ImsgChannel#allowFdPassing() allowFdPassing}, one a message at most, and are sent only in a known
 * {@linkplain org.imsg.WireFormat format}. A message takes its {@link org.imsg.unix.Fd} over: it is closed here once the kernel has
 * it. A received one is taken with {@link org.imsg.Imsg#takeFd() takeFd} or closed with its message, and
 * {@link org.imsg.DescriptorState} says why there is none.
 */
package org.imsg;
