package org.imsg.examples.packets;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Optional;
import org.imsg.Imsg;
import org.imsg.privsep.Peer;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The child: packets in, lines out. */
final class Reader implements Role {
    private RoleProcess self;
    private Names names;
    private FdChannel output;

    @Override
    public void start(RoleProcess process) throws IOException {
        self = process;
        self.on(Peer.PARENT, PacketReaderSettings.OUTPUT, (_, file) -> output = new FdChannel(file.takeFd()));
        self.on(Peer.PARENT, PacketReaderSettings.CAPTURE, (_, file) -> read("capture", file.takeFd(), this::capture));
        self.on(Peer.PARENT, PacketReaderSettings.LIVE, (_, socket) -> read("live", socket.takeFd(), this::live));
        names = new Names(self.privileged().lookups());
    }

    private interface Source {
        void printAll(FdChannel packets) throws IOException;
    }

    private void read(String name, Fd source, Source how) {
        Thread.ofPlatform().daemon().name(name).start(() -> {
            try (FdChannel packets = new FdChannel(source)) {
                how.printAll(packets);
            } catch (IOException e) {
                self.log().log(System.Logger.Level.ERROR, "no more packets: " + e.getMessage());
            } finally {
                done();
            }
        });
    }

    private void done() {
        try {
            self.parent().send(Imsg.of(PacketReaderSettings.DONE));
        } catch (IOException _) {
            // the parent is gone, and so is this process soon
        }
    }

    private void capture(FdChannel file) throws IOException {
        CaptureFile capture = new CaptureFile(file);
        for (Optional<CaptureFile.Frame> next; (next = capture.next()).isPresent();)
            print(next.get().time(), next.get().bytes());
    }

    /** Each read is one frame. */
    private void live(FdChannel socket) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(CaptureFile.LONGEST);
        for (;;) {
            socket.read(frame.clear());
            print(Instant.now(), frame.flip());
        }
    }

    private void print(Instant time, ByteBuffer frame) throws IOException {
        output.write(ByteBuffer.wrap((names.line(time, Packet.parse(frame)) + "\n").getBytes(UTF_8)));
    }
}
