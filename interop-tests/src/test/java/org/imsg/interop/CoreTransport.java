package org.imsg.interop;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.tap.RecordedChannel;
import org.imsg.unix.Fd;

/** {@link ImsgChannel} itself, or one that is recorded. */
final class CoreTransport implements Transport {
    static final Kind KIND = new CoreKind(false);
    static final Kind RECORDED = new CoreKind(true);

    /** With or without a recording, which nobody reads. */
    private record CoreKind(boolean recorded) implements Kind {
        @Override
        public Transport over(Fd socket, Settings settings) throws IOException {
            return transport(ImsgChannel.of(socket), settings);
        }

        @Override
        public Transport connect(Path path, Settings settings) throws IOException {
            return transport(ImsgChannel.connect(path), settings);
        }

        @Override
        public Listener listen(Path path, Settings settings) throws IOException {
            ImsgListener listener = ImsgListener.listen(path);
            return new Listener() {
                @Override
                public Transport accept() throws IOException {
                    return transport(listener.accept(), settings);
                }

                @Override
                public void close() throws IOException {
                    listener.close();
                }
            };
        }

        private Transport transport(ImsgChannel channel, Settings settings) throws IOException {
            if (!recorded)
                return new CoreTransport(channel, channel::close, settings);
            RecordedChannel recording = RecordedChannel.around(channel, Direction.TO_SERVER, Path.of("/dev/null"));
            return new CoreTransport(recording.channel(), recording::close, settings);
        }
    }

    private final ImsgChannel channel;
    private final Closeable connection;

    private CoreTransport(ImsgChannel channel, Closeable connection, Settings settings) {
        this.channel = channel;
        this.connection = connection;
        channel.format(settings.format()).maxSize(settings.maxPayload());
        if (settings.format() == WireFormat.AUTO)
            channel.assume(settings.assumed());
        if (settings.descriptors())
            channel.allowFdPassing();
    }

    @Override
    public void send(int type, int id, int pid, Fd fd, byte[] payload) throws IOException {
        Imsg message = Imsg.of(type, id, pid, payload);
        channel.send(fd == null ? message : message.withFd(fd));
    }

    @Override
    public void compose(int type, int id, int pid, byte[] payload) throws IOException {
        channel.compose(type, id, pid, payload);
    }

    @Override
    public void flush() throws IOException {
        channel.flush();
    }

    @Override
    public Message receive() throws IOException {
        Imsg message = channel.receive();
        return message == null ? null : of(message);
    }

    @Override
    public List<Message> receiveArrived() throws IOException {
        List<Message> whole = new ArrayList<>();
        channel.read(view -> whole.add(of(view.copy())));
        return whole;
    }

    private static Message of(Imsg message) {
        return new Message(message.type(), message.id(), message.pid(), message.payload(), message.descriptor(),
                message.takeFd());
    }

    @Override
    public void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        connection.close();
    }
}
