package org.imsg.interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/**
 * The least that a channel of messages can do, whatever carries it: what the tests against C programs are written to, so
 * that they can be run over each implementation. The exceptions are those of {@code org.imsg}.
 */
interface Transport extends AutoCloseable {
    /** Sends, waiting for room. A descriptor, if not null, is the transport's; if this throws, it may be closed or not. */
    void send(int type, int id, int pid, Fd fd, byte[] payload) throws IOException;

    /** Queues what {@link #flush} sends; at most a few hundred messages in between. */
    void compose(int type, int id, int pid, byte[] payload) throws IOException;

    /** Sends what is queued, waiting for room. */
    void flush() throws IOException;

    /** {@return the next message, waited for; null at the clean end of the stream} */
    Message receive() throws IOException;

    /** Waits until something has arrived. {@return the messages that are whole by then, perhaps none} */
    List<Message> receiveArrived() throws IOException;

    /** The peer sees the end of the stream, and can still be received from. */
    void shutdownOutput() throws IOException;

    @Override
    void close() throws IOException;

    /**
     * How a transport is to be.
     *
     * @param format the format; with AUTO, {@code assumed} is written until the peer has marked a descriptor
     * @param assumed CLASSIC or MODERN
     * @param maxPayload the longest payload in bytes
     * @param descriptors whether descriptors may pass
     */
    record Settings(WireFormat format, WireFormat assumed, int maxPayload, boolean descriptors) {
        static Settings of(WireFormat format) {
            return new Settings(format, WireFormat.MODERN, 16368, true);
        }

        static Settings autoAssuming(WireFormat assumed) {
            return new Settings(WireFormat.AUTO, assumed, 16368, true);
        }

        Settings maxPayload(int bytes) {
            return new Settings(format, assumed, bytes, descriptors);
        }

        Settings withoutDescriptors() {
            return new Settings(format, assumed, maxPayload, false);
        }
    }

    /** One implementation. */
    interface Kind {
        /** Takes the connected socket over. */
        Transport over(Fd socket, Settings settings) throws IOException;

        Transport connect(Path path, Settings settings) throws IOException;

        Listener listen(Path path, Settings settings) throws IOException;
    }

    /** Where peers connect. */
    interface Listener extends AutoCloseable {
        Transport accept() throws IOException;

        @Override
        void close() throws IOException;
    }
}
