package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.TmuxServer;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real tmux server takes our two pipes and speaks control mode over them. */
@RealPeers
@Timeout(120)
abstract class TmuxContract {
    private static final int PROTOCOL = 8;
    private static final int VERSION = 12;
    private static final int TERM = 101;
    private static final int TTYNAME = 102;
    private static final int STDIN = 104;
    private static final int DONE = 106;
    private static final int CLIENTPID = 107;
    private static final int CWD = 108;
    private static final int STDOUT = 110;
    private static final int LONGFLAGS = 111;
    private static final int COMMAND = 200;
    private static final int SHUTDOWN = 210;
    private static final long CONTROL_AND_UTF8 = 0x2000 | 0x10000;

    abstract Transport.Kind kind();

    @ParameterizedTest
    @EnumSource
    void control_mode_goes_over_the_pipes_that_were_passed(DebianSuite suite) throws Exception {
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite)); Transport tmux = connect(server)) {
            System.out.println("peers: tmux " + server.version() + " on " + suite);
            try (Fd.Pair input = Fd.pipe();
                    Fd.Pair output = Fd.pipe();
                    FdChannel toTmux = new FdChannel(input.second());
                    FdChannel fromTmux = new FdChannel(output.first())) {
                send(tmux, LONGFLAGS, longs(CONTROL_AND_UTF8));
                send(tmux, TERM, strings("dumb"));
                send(tmux, TTYNAME, strings(""));
                send(tmux, CWD, strings("/"));
                tmux.send(STDIN, PROTOCOL, 0, input.first(), new byte[0]);
                tmux.send(STDOUT, PROTOCOL, 0, output.second(), new byte[0]);
                send(tmux, CLIENTPID, ints((int) ProcessHandle.current().pid()));
                send(tmux, DONE, new byte[0]);
                send(tmux, COMMAND, command("new-session"));

                BufferedReader lines = new BufferedReader(Channels.newReader(fromTmux, StandardCharsets.UTF_8));
                toTmux.write(
                        ByteBuffer.wrap("display-message -p 'by a passed pipe'\n".getBytes(StandardCharsets.UTF_8)));
                List<String> before = new ArrayList<>();
                String line;
                while (!"by a passed pipe".equals(line = lines.readLine())) {
                    assertThat(line).as("what tmux wrote before it ended: %s", before).isNotNull();
                    before.add(line);
                }
                assertThat(before.getLast()).startsWith("%begin ");
                assertThat(lines.readLine()).startsWith("%end ");

                toTmux.write(ByteBuffer.wrap("kill-server\n".getBytes(StandardCharsets.UTF_8)));
                assertThat(tmux.receive().type()).isEqualTo(SHUTDOWN);
                // The server waits for its clients to go; then its end of the pipe is closed.
                tmux.shutdownOutput();
                while (lines.readLine() != null) {
                    // what it still had to say
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void another_protocol_version_is_told_the_right_one_and_then_the_end(DebianSuite suite) throws Exception {
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite)); Transport tmux = connect(server)) {
            tmux.send(COMMAND, PROTOCOL - 1, 0, null, command("display-message"));
            Message answer = tmux.receive();
            assertThat(answer.type()).isEqualTo(VERSION);
            assertThat(answer.id() & 0xFF).isEqualTo(PROTOCOL);
            assertThat(tmux.receive()).isNull();
        }
    }

    /** Descriptors go first from us to tmux, so the format must be known: its version tells. */
    private Transport connect(TmuxServer server) throws IOException {
        WireFormat format = server.format();
        return kind().connect(server.socket(), Transport.Settings.of(format));
    }

    private static void send(Transport tmux, int type, byte[] payload) throws IOException {
        tmux.send(type, PROTOCOL, 0, null, payload);
    }

    private static byte[] command(String... arguments) {
        ByteBuffer argc = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(arguments.length);
        byte[] argv = strings(arguments);
        return ByteBuffer.allocate(4 + argv.length).put(argc.flip()).put(argv).array();
    }

    private static byte[] strings(String... strings) {
        return (String.join("\0", strings) + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] ints(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
    }

    private static byte[] longs(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(value).array();
    }
}
