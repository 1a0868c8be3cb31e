package org.imsg.interop;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.imsg.DescriptorState;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgView;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same bytes and descriptors, written with the same cuts, into OpenBSD's C code as FRR 8.4.4 has it and into ours: the same
 * messages come out, and the same end. The known differences, each with a test below:
 *
 * <ul>
 * <li>The end of the stream inside a message is an error here; to C it is an end like any other.
 * <li>A descriptor on an unmarked message is closed here. C keeps it, and gives it to the next marked message.
 * <li>C takes descriptors from one queue when a message is whole. So a marked message without a descriptor takes that of
 * the next, if it arrives in the read that makes the first whole; here it belongs to the one it came with.
 * <li>A mark whose descriptor did not come is said to be so here, and why; in C it is a message with descriptor -1.
 * <li>Descriptors are received here only if the channel allows them, and are close-on-exec; in C always, and are not.
 * <li>C of that time knows the classic format only, and ignores a modern mark.
 * <li>Where the descriptor table has no room, C reads nothing (EAGAIN) until it has; here the messages come, and say that
 * their descriptors are lost.
 * </ul>
 *
 * <p>A descriptor that comes with an incomplete header is kept by this C code too: it is OpenBSD's newer code that closes it.
 */
@RealPeers
@Timeout(300)
class LibfrrDifferentialTest {
    private static final int FILES = 8;
    private static final int SCRIPTS = Integer.getInteger("imsg.differential.scripts", 100_000);
    private static final long SEED = Long.getLong("imsg.differential.seed", 20250911);

    @TempDir
    Path directory;

    private final List<Fd> files = new ArrayList<>();
    private final Map<Long, Integer> fileByInode = new HashMap<>();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment stream = arena.allocate(Script.MOST_BYTES);
    private FrrChannel frr;

    /** A message as it came out, with the number of the file its descriptor is open on, or -1. */
    private record Received(int type, int id, int pid, boolean marked, ByteBuffer payload, int file) {
        Received withoutFile() {
            return new Received(type, id, pid, marked, payload, -1);
        }
    }

    /** All that came out of a stream. */
    private record Outcome(List<Received> messages, String end) {
        /** As far as both must agree: which descriptor a message has only before the first irregular one. */
        Outcome comparable(int regular) {
            List<Received> same = new ArrayList<>(messages);
            for (int i = regular; i < same.size(); i++)
                same.set(i, same.get(i).withoutFile());
            return new Outcome(same, end);
        }
    }

    @BeforeEach
    void open() throws Exception {
        frr = new FrrChannel(Frr.load());
        for (int i = 0; i < FILES; i++) {
            Fd file = Fd.open(directory.resolve("file-" + i), OpenFlag.READ_WRITE, OpenFlag.CREATE_NEW);
            files.add(file);
            fileByInode.put(Libc.inode(file.intValue()), i);
        }
    }

    @AfterEach
    void close() {
        if (frr != null)
            frr.close();
        files.forEach(Fd::close);
        arena.close();
    }

    @Test
    void the_same_messages_and_the_same_end_come_out_of_both_for_every_script() throws Exception {
        int messages = 0;
        int descriptors = 0;
        int broken = 0;
        int cut = 0;
        for (int i = 0; i < SCRIPTS; i++) {
            long seed = SEED + i;
            Script script = Script.of(seed, FILES);
            Outcome c;
            Outcome java;
            try {
                c = runC(script);
                java = runJava(script, script.plain() ? WireFormat.AUTO : WireFormat.CLASSIC);
            } catch (IOException | RuntimeException | Error e) {
                throw new AssertionError("seed " + seed + ": " + script, e);
            }
            if (!c.comparable(script.regular()).equals(java.comparable(script.regular())))
                fail("seed %d: %s%n  C:    %s%n  Java: %s", seed, script, c, java);
            messages += c.messages.size();
            for (Received message : c.messages)
                descriptors += message.file >= 0 ? 1 : 0;
            broken += c.end.startsWith("length") ? 1 : 0;
            cut += c.end.startsWith("end after") && !c.end.equals("end after 0") ? 1 : 0;
        }
        // That the scripts try what they are for.
        assertThat(messages).isGreaterThan(2 * SCRIPTS);
        assertThat(descriptors).isGreaterThan(SCRIPTS / 2);
        assertThat(broken).isGreaterThan(SCRIPTS / 20);
        assertThat(cut).isGreaterThan(SCRIPTS / 20);
    }

    // The known differences

    @Test
    void an_end_inside_a_message_is_an_error_here_and_an_end_like_any_other_in_C() throws Exception {
        Libc.Sockets toC = Libc.socketpair();
        Libc.Sockets toJava = Libc.socketpair();
        try (ImsgChannel channel = ImsgChannel.of(Fd.of(toJava.receiver()))) {
            load(new Script.Builder().write(unmarked(1, 10)).build()); // of which 20 bytes are sent
            for (Libc.Sockets sockets : List.of(toC, toJava)) {
                Libc.send(sockets.feeder(), stream, 0, 20);
                Libc.close(sockets.feeder());
            }
            frr.init(toC.receiver());
            assertThat(frr.read()).isEqualTo(20);
            assertThat(frr.get()).isZero();
            assertThat(frr.read()).isZero();
            assertThat(frr.get()).isZero();
            assertThatExceptionOfType(ImsgEofException.class).isThrownBy(channel::receive)
                    .withMessageContaining("20 of the 26 bytes");
        } finally {
            frr.clear();
            Libc.close(toC.receiver());
        }
    }

    @Test
    void a_descriptor_on_an_unmarked_message_is_closed_here_and_given_to_a_later_marked_one_by_C() throws Exception {
        Script script = new Script.Builder().write(unmarked(1, 0), 5).read().write(marked(2, 0)).read().build();
        assertThat(filesInC(script)).containsExactly(-1, 5);
        assertThat(filesInJava(script)).containsExactly(-1, -1);
    }

    @Test
    void a_descriptor_amid_a_marked_message_is_the_next_ones_here_and_the_first_ones_in_C()
            throws Exception {
        byte[] first = marked(1, 4);
        for (int cut = 1; cut < 20; cut++) {
            Script script = new Script.Builder().write(Arrays.copyOf(first, cut)).read()
                    .write(Arrays.copyOfRange(first, cut, 20)).write(marked(2, 0), 5).read().build();
            assertThat(filesInC(script)).containsExactly(5, -1);
            assertThat(filesInJava(script)).containsExactly(-1, 5);
        }
    }

    @Test
    void of_two_marked_messages_in_one_read_with_one_descriptor_the_first_has_it()
            throws Exception {
        Script script = new Script.Builder().write(marked(1, 0)).write(marked(2, 0), 5).read().build();
        assertThat(filesInC(script)).containsExactly(5, -1);
        assertThat(filesInJava(script)).containsExactly(5, -1);
    }

    @Test
    void a_descriptor_that_comes_with_a_part_of_a_header_is_kept_by_both() throws Exception {
        for (int cut = 1; cut < 16; cut++) {
            byte[] header = marked(1, 0);
            Script script = new Script.Builder().write(Arrays.copyOf(header, cut), 5).read()
                    .write(Arrays.copyOfRange(header, cut, 16)).read().build();
            assertThat(filesInC(script)).containsExactly(5);
            assertThat(filesInJava(script)).containsExactly(5);
        }
    }

    @Test
    void a_descriptor_that_comes_with_the_rest_of_a_header_is_the_messages_in_both() throws Exception {
        for (int cut = 1; cut < 16; cut++)
            for (int size : new int[]{0, 3}) {
                byte[] message = marked(1, size);
                Script.Builder script = new Script.Builder().write(Arrays.copyOf(message, cut)).read()
                        .write(Arrays.copyOfRange(message, cut, 16), 5).read();
                if (size > 0)
                    script.write(Arrays.copyOfRange(message, 16, 16 + size)).read();
                Script whole = script.write(marked(2, 0), 6).read().build();
                assertThat(filesInC(whole)).as("cut at %d", cut).containsExactly(5, 6);
                assertThat(filesInJava(whole)).as("cut at %d", cut).containsExactly(5, 6);
            }
    }

    @Test
    void a_mark_without_a_descriptor_is_said_to_be_so_here_and_is_just_no_descriptor_in_C() throws Exception {
        Script script = new Script.Builder().write(marked(1, 3)).read().build();
        assertThat(filesInC(script)).containsExactly(-1);
        assertThat(descriptorsInJava(script, true)).containsExactly(DescriptorState.MISSING);
    }

    @Test
    void descriptors_are_received_here_only_where_they_are_allowed_and_in_C_always() throws Exception {
        Script script = new Script.Builder().write(marked(1, 3), 5).read().build();
        assertThat(filesInC(script)).containsExactly(5);
        assertThat(descriptorsInJava(script, true)).containsExactly(DescriptorState.PRESENT);
        assertThat(descriptorsInJava(script, false)).containsExactly(DescriptorState.LOST);
    }

    @Test
    void a_received_descriptor_is_close_on_exec_here_and_not_in_C() throws Exception {
        load(new Script.Builder().write(marked(1, 0)).build());
        Libc.Sockets toC = Libc.socketpair();
        Libc.Sockets toJava = Libc.socketpair();
        try (ImsgChannel channel = ImsgChannel.of(Fd.of(toJava.receiver())).allowFdPassing()) {
            for (Libc.Sockets sockets : List.of(toC, toJava))
                Libc.send(sockets.feeder(), stream, 0, 16, files.get(0).intValue());
            frr.init(toC.receiver());
            assertThat(frr.read()).isEqualTo(16);
            assertThat(frr.get()).isEqualTo(16);
            assertThat(Libc.isCloseOnExec(frr.fd())).isFalse();
            Libc.close(frr.fd());
            try (Imsg message = channel.receive(); Fd received = message.takeFd()) {
                assertThat(Libc.isCloseOnExec(received.intValue())).isTrue();
            }
        } finally {
            frr.clear();
            Libc.close(toC.receiver());
            Libc.close(toC.feeder());
            Libc.close(toJava.feeder());
        }
    }

    @Test
    void a_modern_mark_is_ignored_by_C() throws Exception {
        Script script = new Script.Builder().write(header(1, 16, 0x8000), 5).read().build();
        assertThat(runC(script).messages).singleElement().returns(false, Received::marked).returns(-1, Received::file);
        for (WireFormat format : List.of(WireFormat.MODERN, WireFormat.AUTO))
            assertThat(runJava(script, format).messages).singleElement().returns(true, Received::marked).returns(5,
                    Received::file);
    }

    @Test
    void a_full_table_loses_the_descriptor_here_and_stops_all_reading_in_C()
            throws Exception {
        // Once with room, so that every class is loaded before there is none.
        assertThat(receiveTwoFiles(1024)).isEqualTo("C [5, 6] Java [PRESENT, PRESENT]");
        assertThat(receiveTwoFiles(0)).isEqualTo("C again later, [5, 6] Java [LOST, LOST]");
    }

    /** What both receive while there may be so many descriptors, but at least as many as there are already. */
    private String receiveTwoFiles(int most) throws IOException {
        Script script = new Script.Builder().write(marked(1, 0), 5).write(marked(2, 0), 6).build();
        Libc.Sockets toC = Libc.socketpair();
        Libc.Sockets toJava = Libc.socketpair();
        try (ImsgChannel channel = ImsgChannel.of(Fd.of(toJava.receiver())).allowFdPassing()) {
            load(script);
            for (Libc.Sockets sockets : List.of(toC, toJava))
                for (Script.Write write : script.writes())
                    feed(sockets.feeder(), write);
            frr.init(toC.receiver());
            List<Received> inC = new ArrayList<>();
            List<DescriptorState> inJava = new ArrayList<>();
            boolean again;
            long limit = Libc.limitDescriptors(Math.max(firstFree(), most));
            try {
                again = frr.read() == -1 && frr.errno() == FrrChannel.EAGAIN;
                while (Libc.unread(channel.fd()) > 0)
                    channel.read(message -> inJava.add(message.descriptor()));
            } finally {
                Libc.limitDescriptors(limit);
            }
            if (!again)
                takeC(inC);
            readC(toC.receiver(), inC);
            return "C " + (again ? "again later, " : "") + inC.stream().map(Received::file).toList() + " Java "
                    + inJava;
        } finally {
            frr.clear();
            Libc.close(toC.receiver());
            Libc.close(toC.feeder());
            Libc.close(toJava.feeder());
        }
    }

    private int firstFree() throws IOException {
        try (Fd next = files.get(0).dup()) {
            return next.intValue();
        }
    }

    private static byte[] unmarked(int type, int size) {
        return header(type, 16 + size, 0);
    }

    private static byte[] marked(int type, int size) {
        return header(type, 16 + size, 1);
    }

    /** A message of zeros. */
    private static byte[] header(int type, int length, int flags) {
        return ByteBuffer.allocate(length).order(ByteOrder.nativeOrder()).putInt(type).putShort((short) length)
                .putShort((short) flags).array();
    }

    private List<Integer> filesInC(Script script) {
        return runC(script).messages.stream().map(Received::file).toList();
    }

    private List<Integer> filesInJava(Script script) throws IOException {
        return runJava(script, WireFormat.CLASSIC).messages.stream().map(Received::file).toList();
    }

    private List<DescriptorState> descriptorsInJava(Script script, boolean allowed) throws IOException {
        Libc.Sockets sockets = Libc.socketpair();
        List<DescriptorState> states = new ArrayList<>();
        try (ImsgChannel channel = ImsgChannel.of(Fd.of(sockets.receiver())).format(WireFormat.CLASSIC)) {
            if (allowed)
                channel.allowFdPassing();
            load(script);
            for (Script.Write write : script.writes())
                feed(sockets.feeder(), write);
            while (Libc.unread(channel.fd()) > 0)
                channel.read(message -> states.add(message.descriptor()));
            return states;
        } finally {
            Libc.close(sockets.feeder());
        }
    }

    // Running scripts

    private Outcome runC(Script script) {
        Libc.Sockets sockets = Libc.socketpair();
        boolean feeding = true;
        frr.init(sockets.receiver());
        try {
            Outcome outcome = new Outcome(new ArrayList<>(), "open");
            load(script);
            for (Script.Write write : script.writes()) {
                feed(sockets.feeder(), write);
                if (write.read() && !readC(sockets.receiver(), outcome.messages))
                    return new Outcome(outcome.messages, "length " + frr.length());
            }
            if (!readC(sockets.receiver(), outcome.messages))
                return new Outcome(outcome.messages, "length " + frr.length());
            if (!script.ends())
                return outcome;
            feeding = false;
            Libc.close(sockets.feeder());
            assertThat(frr.read()).isZero();
            return new Outcome(outcome.messages, "end after " + frr.unfinished());
        } finally {
            frr.clear();
            Libc.close(sockets.receiver());
            if (feeding)
                Libc.close(sockets.feeder());
        }
    }

    private void load(Script script) {
        MemorySegment.copy(script.bytes(), 0, stream, JAVA_BYTE, 0, script.bytes().length);
    }

    private void feed(int socket, Script.Write write) {
        int[] descriptors = write.files().clone();
        for (int i = 0; i < descriptors.length; i++)
            descriptors[i] = files.get(descriptors[i]).intValue();
        Libc.send(socket, stream, write.from(), write.to() - write.from(), descriptors);
    }

    /** Reads all there is. {@return false if there was no going on} */
    private boolean readC(int socket, List<Received> messages) {
        while (Libc.unread(socket) > 0) {
            assertThat(frr.read()).isPositive();
            if (!takeC(messages))
                return false;
        }
        return true;
    }

    /** Takes every whole message. {@return false if what follows cannot be one} */
    private boolean takeC(List<Received> messages) {
        long length;
        while ((length = frr.get()) > 0)
            messages.add(new Received(frr.type(), frr.peerid(), frr.pid(), frr.marked(), ByteBuffer.wrap(frr.data()),
                    file(frr.fd())));
        if (length == 0)
            return true;
        assertThat(frr.errno()).isEqualTo(FrrChannel.ERANGE);
        return false;
    }

    /** Which file a descriptor is open on; it is closed. */
    private int file(int descriptor) {
        if (descriptor == -1)
            return -1;
        int file = fileByInode.get(Libc.inode(descriptor));
        Libc.close(descriptor);
        return file;
    }

    private Outcome runJava(Script script, WireFormat format) throws IOException {
        Libc.Sockets sockets = Libc.socketpair();
        boolean feeding = true;
        List<Received> messages = new ArrayList<>();
        try (ImsgChannel channel = ImsgChannel.of(Fd.of(sockets.receiver())).allowFdPassing().format(format)) {
            load(script);
            for (Script.Write write : script.writes()) {
                feed(sockets.feeder(), write);
                if (write.read())
                    readJava(channel, messages);
            }
            readJava(channel, messages);
            if (!script.ends())
                return new Outcome(messages, "open");
            feeding = false;
            Libc.close(sockets.feeder());
            assertThat(channel.read(message -> messages.add(received(message)))).isEqualTo(-1);
            return new Outcome(messages, "end after 0");
        } catch (ImsgProtocolException e) {
            return new Outcome(messages, "length " + e.length());
        } catch (ImsgEofException e) {
            return new Outcome(messages, "end after " + e.received());
        } finally {
            if (feeding)
                Libc.close(sockets.feeder());
        }
    }

    private void readJava(ImsgChannel channel, List<Received> messages) throws IOException {
        while (Libc.unread(channel.fd()) > 0)
            channel.read(message -> messages.add(received(message)));
        // A header that cannot be one is reported behind the messages before it.
        assertThat(channel.get()).isNull();
    }

    private Received received(ImsgView message) {
        byte[] payload = new byte[message.length()];
        message.copyTo(0, payload, 0, payload.length);
        boolean marked = message.descriptor() != DescriptorState.NONE;
        Fd fd = message.takeFd();
        return new Received(message.type(), message.id(), message.pid(), marked, ByteBuffer.wrap(payload),
                fd == null ? -1 : file(fd.release()));
    }
}
