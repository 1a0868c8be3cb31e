package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.EOFException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.imsg.testing.Call;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(30)
class ProtocolTest {
    private static final Duration DEADLINE = Duration.ofMillis(0x0102);

    private static List<Operation.Request> requests() {
        return List.of(new OpenFile("/é", Set.of(OpenFlag.WRITE, OpenFlag.CREATE), 0640),
                new BindSocket(SocketKind.UDP, "::1", 65535, true, 7, 0600),
                new ConnectSocket(SocketKind.UNIX, "/run/x", 0),
                new RunProgram("/bin/sh", List.of("-c", ""), List.of("A=b"), "/srv", List.of(3, 255)),
                new ChownTree("/x", -2, 0), new RemoveTree("/x"), new LookUp(LookUp.Kind.ETHER, "a", "b"),
                new SetClock(true, -5, 999_999_999), new SlewClock(true, -500_000), new SlewClock(false, 1),
                new OpenPackets("eth0"), new Authenticate("login", "\u00e9"),
                new RunProgram("/bin/sh", List.of(), List.of(), "", "alice", List.of()),
                new ConfigureInterface(ConfigureInterface.Change.ADD_ROUTE, "eth0", "::", 0, "fe80::1", 0),
                new ConfigureInterface(ConfigureInterface.Change.MTU, "eth0", 0xFFFF_FFFFL));
    }

    @ParameterizedTest
    @MethodSource("requests")
    void a_request_is_read_as_it_was_written(Operation.Request request) throws Exception {
        try (Ibuf payload = request.payload(DEADLINE, 1000)) {
            Operations.Asked read = Operations.read(Imsg.of(request.type(), 1, 0, payload));
            assertThat(read.request()).isEqualTo(request);
            assertThat(read.deadline()).isEqualTo(DEADLINE);
        }
    }

    @Test
    void the_bytes_of_an_open_are_those_of_the_table() {
        Operation.Request open = new OpenFile("/x", Set.of(OpenFlag.READ_WRITE, OpenFlag.APPEND), 0600);
        try (Ibuf payload = open.payload(DEADLINE, 1000)) {
            assertThat(HexFormat.of().formatHex(payload.get(payload.size())))
                    .isEqualTo("01" + "00000102" + "00022f78" + "00000044" + "00000180");
        }
    }

    @Test
    void answers_reach_who_asked_whatever_their_order() throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Privileged privileged = Privileged.over(pair.first())) {
            pair.second().format(WireFormat.MODERN).allowFdPassing();
            Call<List<String>> one = Call.start(Call.On.PLATFORM, () -> names(privileged, "one"));
            Imsg first = pair.second().receive();
            Call<List<String>> two = Call.start(Call.On.VIRTUAL, () -> names(privileged, "two"));
            Imsg second = pair.second().receive();
            for (Imsg request : List.of(second, first))
                pair.second().send(Answer.done(List.of("127.0.0." + request.id())).toImsg(request.id()));
            assertThat(one.result()).containsExactly("127.0.0." + first.id());
            assertThat(two.result()).containsExactly("127.0.0." + second.id());
        }
    }

    private static List<String> names(Privileged privileged, String host) throws Exception {
        return privileged.lookups().addresses(host).stream().map(java.net.InetAddress::getHostAddress).toList();
    }

    @Test
    void a_descriptor_that_comes_after_the_deadline_is_closed(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "x");
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Privileged privileged = Privileged.over(pair.first())) {
            pair.second().format(WireFormat.MODERN).allowFdPassing();
            assertThatExceptionOfType(RequestExpiredException.class)
                    .isThrownBy(() -> privileged.within(Duration.ofMillis(10)).open(file))
                    .withMessageContaining("was not answered within 10 ms");
            Imsg late = pair.second().receive();
            pair.second().send(Answer.descriptor(Fd.open(file)).toImsg(late.id()));
            // The next answer comes behind it: the late one has been dealt with by then.
            Call<Object> next = Call.start(Call.On.PLATFORM, () -> privileged.lookups().user("x"));
            pair.second().send(Answer.absent().toImsg(pair.second().receive().id()));
            next.result();
        }
    }

    @Test
    void an_interrupt_ends_the_wait_and_not_the_channel() throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Privileged privileged = Privileged.over(pair.first())) {
            Call<Object> waiting = Call.start(Call.On.PLATFORM, () -> privileged.lookups().user("x"));
            Imsg request = pair.second().receive();
            waiting.awaitWaiting().thread().interrupt();
            assertThat(waiting.failure()).isInstanceOf(InterruptedIOException.class);
            pair.second().send(Answer.absent().toImsg(request.id()));
            Call<Object> next = Call.start(Call.On.PLATFORM, () -> privileged.lookups().user("y"));
            pair.second().send(Answer.absent().toImsg(pair.second().receive().id()));
            next.result();
        }
    }

    @Test
    void what_waits_when_the_monitor_ends_fails_and_so_does_what_comes_later() throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Privileged privileged = Privileged.over(pair.first())) {
            Call<Object> waiting = Call.start(Call.On.PLATFORM, () -> privileged.lookups().user("x"));
            pair.second().receive();
            pair.second().close();
            assertThat(waiting.failure()).isInstanceOf(EOFException.class);
            assertThatExceptionOfType(java.io.IOException.class).isThrownBy(() -> privileged.lookups().user("y"));
        }
    }
}
