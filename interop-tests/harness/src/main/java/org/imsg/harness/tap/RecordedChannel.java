package org.imsg.harness.tap;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recorder;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;

/**
 * A channel whose every message, descriptor and end is recorded in a file, both directions in the order they were seen. The program
 * uses {@link #channel()}, which is joined to the socket of the one it gives by two threads of this process; nothing goes on before it
 * is in the file.
 *
 * {@snippet file="org/imsg/harness/tap/RecordedChannelTest.java" region="record"}
 *
 * <p>It differs from a channel without a recording: a writer finds more room, since there is a second socket that fills;
 * {@link ImsgChannel#peerCredentials()} of {@link #channel()} are this process's, the real ones are {@link #peerCredentials()} and stand in the
 * recording's first line; a reset is an end, as with {@link Tap}. The peer sees the credentials it would have seen.
 *
 * <p>{@link #close()} and the credentials may be called from any thread.
 */
public final class RecordedChannel implements AutoCloseable {
    /** The peer has this long to read messages sent before the close; then the connection is cut. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Only for its descriptor's sake, which is shared: closing it earlier would end the connection. */
    private final ImsgChannel original;
    private final ImsgChannel channel;
    private final Recorder recorder;
    private final Watch watch;
    private final TapConnection connection;

    private RecordedChannel(ImsgChannel original, Fd.Pair pair, Fd peer, Recorder recorder, Direction sending,
            WireFormat format, int limit) throws IOException {
        this.original = original;
        this.channel = ImsgChannel.of(pair.first());
        this.recorder = recorder;
        RawSocket near = RawSocket.of(pair.second());
        RawSocket far = RawSocket.of(peer);
        boolean client = sending == Direction.TO_SERVER;
        this.watch = new Watch(this::record, this::cut);
        this.connection = new TapConnection(watch, 1, client ? near : far, client ? far : near, format, limit, _ -> {
            // both sockets are closed; close() waits for its threads
        });
    }

    /**
     * Records a channel; messages of both formats are found in what passes, up to 65535 bytes long.
     *
     * @param channel a connected channel on which nothing was sent or received yet; this one's then, unless this throws
     * @param sending which way it sends: TO_SERVER for a client's
     * @param file the recording, replaced; pcapng if its name ends with {@code .pcapng}, text otherwise
     * @return the recorded channel
     * @throws IllegalStateException if something is queued in the channel
     * @throws IOException if the file cannot be written, the channel is closed, or there is no room in the descriptor
     *     table
     */
    public static RecordedChannel around(ImsgChannel channel, Direction sending, Path file) throws IOException {
        return around(channel, sending, file, WireFormat.AUTO, StreamDecoder.USUAL_LIMIT);
    }

    /**
     * Records a channel.
     *
     * @param channel as {@link #around(ImsgChannel, Direction, Path)}
     * @param sending TO_SERVER or TO_CLIENT
     * @param file the recording
     * @param format the format of its messages; AUTO for both
     * @param limit the longest message in bytes with its header, with AUTO up to 65535; longer ones pass, but are
     *     recorded as bytes
     * @return the recorded channel
     * @throws IllegalArgumentException if the formats cannot be told apart with that limit, or the direction is none
     * @throws IllegalStateException as {@link #around(ImsgChannel, Direction, Path)}
     * @throws IOException as {@link #around(ImsgChannel, Direction, Path)}
     */
    public static RecordedChannel around(ImsgChannel channel, Direction sending, Path file, WireFormat format,
            int limit) throws IOException {
        if (sending == Direction.NONE)
            throw new IllegalArgumentException("a channel sends to the server or to the client");
        if (channel.queuelen() > 0)
            throw new IllegalStateException(channel.queuelen() + " message(s) are queued and would not be recorded");
        new StreamDecoder(1, sending, format, limit); // throws if the two do not go together
        Recorder recorder = begin(file, channel.peerCredentials());
        Fd.Pair pair = null;
        Fd far = null;
        try {
            pair = Fd.socketpair();
            far = duplicate(channel.fd());
            RecordedChannel recorded = new RecordedChannel(channel, pair, far, recorder, sending, format, limit);
            recorded.connection.start();
            return recorded;
        } catch (IOException | RuntimeException e) {
            try (recorder) {
                if (pair != null)
                    pair.close();
                if (far != null)
                    far.close();
            } catch (IOException closing) {
                e.addSuppressed(closing);
            }
            throw e;
        }
    }

    private static Fd duplicate(int number) throws IOException {
        Fd borrowed = Fd.of(number);
        try {
            return borrowed.dup();
        } finally {
            borrowed.release();
        }
    }

    /** Writes the first line at once: on a full disk nothing has to be undone. */
    private static Recorder begin(Path file, PeerCredentials peer) throws IOException {
        Recorder recorder = Recorder.to(file);
        try {
            recorder.add(Event.note(0, 1, "recorded in pid " + ProcessHandle.current().pid() + "; its peer: "
                    + TapConnection.credentials(peer)));
            recorder.flush();
            return recorder;
        } catch (IOException e) {
            try (recorder) {
                throw e;
            }
        }
    }

    /** {@return what the program sends and receives with, with the settings of a new channel; closed with this} */
    public ImsgChannel channel() {
        return channel;
    }

    /**
     * Who is at the other end, as the kernel vouches for it.
     *
     * @return the peer's ids
     * @throws IOException if this is closed, or the system does not say
     */
    public PeerCredentials peerCredentials() throws IOException {
        return original.peerCredentials();
    }

    private void record(Event event) {
        try {
            recorder.add(event);
            recorder.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Closes the channel, lets what it has sent go on to the peer, up to two seconds long, and completes the file.
     *
     * @throws IOException if the recording could not be written: then the connection was cut where that happened
     */
    @Override
    public void close() throws IOException {
        try (recorder; original) {
            channel.close();
            if (!connection.join(PATIENCE)) {
                cut();
                connection.join();
            }
            watch.rethrow();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (InterruptedException _) {
            cut();
            Thread.currentThread().interrupt();
        }
    }

    private void cut() {
        connection.close();
    }
}
