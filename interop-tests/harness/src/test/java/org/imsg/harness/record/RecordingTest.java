package org.imsg.harness.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

import org.imsg.WireFormat;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordingTest {
    private static final Instant START = Instant.parse("2026-01-02T03:04:05.000000006Z");

    /** In a packet, behind the 28 bytes that are pcapng's. */
    private static final int OF_ORDER = 28 + 4;

    @TempDir
    private Path directory;

    private static List<Event> allKinds() {
        return List.of(
                Event.message(Direction.TO_SERVER, WireFormat.CLASSIC, 13, 1, -1, new byte[]{0, 1, -1},
                        List.of("/a \"quoted\" na\\me\u00fc")),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, -1, 2, 3, new byte[0], List.of()).at(5, 2),
                new Event(1_500_000_007L, 2, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{9},
                        List.of(), "length 3 is not 16 to 16384"),
                new Event(1_500_000_008L, 2, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{9},
                        List.of("socket:[1]", "pipe:[2]"), ""),
                Event.end(2_000_000_000L, 1, Direction.TO_CLIENT), Event.note(2_000_000_001L, 1, "a = b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"recording.imsg", "recording.pcapng"})
    void what_is_written_is_read_again(String name) throws IOException {
        Recording recording = new Recording(START, allKinds());
        recording.write(directory.resolve(name));
        assertThat(Recording.read(directory.resolve(name))).isEqualTo(recording);
    }

    @ParameterizedTest
    @ValueSource(strings = {"recording.imsg", "recording.pcapng"})
    void what_strangers_choose_is_read_again(String name) throws IOException {
        Recording recording = new Recording(START, List.of(Event.note(0, Integer.MAX_VALUE, "x".repeat(70_000)),
                new Event(1, 1, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{9},
                        List.of("/a\nb", "", "/c\\x0a\\", "/d\\x5cx0a"), "the stream ends\ninside a message"),
                new Event(2, 0, Direction.TO_CLIENT, Event.Kind.MESSAGE, WireFormat.CLASSIC, new byte[16],
                        Collections.nCopies(Event.MOST_DESCRIPTORS, "/" + "y".repeat(1000)), ""),
                Event.end(Long.MAX_VALUE, 1, Direction.TO_CLIENT)));
        recording.write(directory.resolve(name));
        assertThat(Recording.read(directory.resolve(name))).isEqualTo(recording);
    }

    @Test
    void a_flood_of_descriptors_at_one_message_is_counted() {
        StreamDecoder decoder = new StreamDecoder(1, Direction.TO_SERVER, WireFormat.MODERN, StreamDecoder.USUAL_LIMIT);
        byte[] message = Event.header(WireFormat.MODERN, 1, 16, true, 0, 0);
        for (int round = 0; round < 2; round++) {
            List<Event> events = new ArrayList<>();
            for (byte b : message)
                events.addAll(decoder.add(0, new byte[]{b}, Collections.nCopies(100, "pipe:[1]")));
            assertThat(events).singleElement().satisfies(event -> assertThat(event.descriptors())
                    .hasSize(Event.MOST_DESCRIPTORS).endsWith("pipe:[1]", 16 * 100 - 254 + " more"));
        }
    }

    /** As tools write it that have no nanoseconds: the option is missing, or says how many digits there are. */
    @ParameterizedTest
    @CsvSource({"9, 1", "6, 1000", "0, 1000000000", "-1, 1000"})
    void times_of_another_resolution_are_read(int digits, long nanos) throws IOException {
        Path file = directory.resolve("recording.pcapng");
        new Recording(Instant.ofEpochSecond(0, 5), List.of(Event.note(0, 1, "a"), Event.note(7, 1, "b"))).write(file);
        byte[] bytes = Files.readAllBytes(file);
        int option = 28 + 16 + 8; // behind the section, the interface's fixed part and its name
        assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getShort(option)).isEqualTo((short) 9);
        if (digits < 0)
            bytes[option] = 77; // an option that is not known
        else
            bytes[option + 4] = (byte) digits;
        Recording read = Recording.read(bytes);
        assertThat(read.start()).isEqualTo(Instant.ofEpochSecond(0).plusNanos(5 * nanos));
        assertThat(read.events()).extracting(Event::nanos).containsExactly(0L, 7 * nanos);
    }

    @Test
    void a_pcapng_file_of_another_program_is_named_by_its_link_type() throws IOException {
        Path file = directory.resolve("recording.pcapng");
        new Recording(START, List.of()).write(file);
        byte[] bytes = Files.readAllBytes(file);
        bytes[28 + 8] = 1;
        assertThatThrownBy(() -> Recording.read(bytes)).isInstanceOf(IOException.class)
                .hasMessageContaining("link type 1, a recording of imsg has 147");
    }

    @Test
    void the_text_is_as_documented() throws IOException {
        Path file = directory.resolve("recording");
        new Recording(START, List.of(Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 2, 3, new byte[]{10},
                List.of("/etc/hosts")).at(1_000_000_002L, 4))).write(file);
        assertThat(file).hasContent("""
                imsg-recording 1 little-endian 2026-01-02T03:04:05.000000006Z
                1.000000002 4 > message modern fd="/etc/hosts" 010000001100008002000000030000000a
                """);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0 1 > message modern 00", "0.000000000 1 > message modern 00", "x 1 > end",
            "0.000000000 1 ? end", "0.000000000 1 > what", "0.000000000 1 > bytes 0x",
            "0.000000000 1 > bytes note=\"x 00",
            "0.000000000 1", "-1.000000000 1 > end", "99999999999999999999.000000000 1 > end",
            "0.000000000 99999999999 > end", "0.000000000 -1 > end", "0.000000000 1 > bytes 012",
            "9999999999.999999999 1 > end", "0.000000000 2147483648 > end"})
    void a_line_that_is_none_is_named(String line) {
        String text = "imsg-recording 1 little-endian 2026-01-02T03:04:05Z\n# a remark\n" + line + "\n";
        assertThatThrownBy(() -> Recording.read(text.getBytes(StandardCharsets.UTF_8))).isInstanceOf(IOException.class)
                .hasMessageStartingWith("line 3 of the recording: ")
                .hasMessageNotContainingAny("input string", "No enum", "null", "string length");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "+1000000000-12-31T23:59:59.999999999Z"})
    void a_start_that_pcapng_cannot_have_is_refused(String start) {
        assertThatThrownBy(() -> Recording.read(
                ("imsg-recording 1 little-endian " + start + "\n").getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IOException.class).hasMessage("line 1 of the recording: a recording begins in the years"
                        + " 1970 to 2261, not at " + start);
    }

    @Test
    void lines_may_end_as_on_other_systems() throws IOException {
        Recording good = new Recording(START, allKinds());
        good.write(directory.resolve("recording"));
        String text = Files.readString(directory.resolve("recording"));
        assertThat(Recording.read(text.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8)).events())
                .isEqualTo(good.events());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            6 | 12 | the block at byte 68 of the pcapng file is too short, or of a kind that is not known
            6 | 0 | the block at byte 68 of the pcapng file has length 0
            6 | -4 | the block at byte 68 of the pcapng file has length 4294967292
            """)
    void a_block_that_is_none_is_named(int type, int length, String complaint) throws IOException {
        Path file = directory.resolve("recording.pcapng");
        new Recording(START, List.of()).write(file);
        ByteBuffer block = ByteBuffer.allocate(12).order(ByteOrder.nativeOrder()).putInt(type).putInt(length)
                .putInt(length);
        Files.write(file, block.array(), StandardOpenOption.APPEND);
        byte[] bytes = Files.readAllBytes(file);
        assertThatThrownBy(() -> Recording.read(bytes)).isInstanceOf(IOException.class).hasMessage(complaint);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            imsg   | line 3 of the recording is longer than 41943040 bytes: longer messages need a --limit
            pcapng | has length 1953789044, at most 25165824 is read: longer messages need a --limit
            """)
    void a_line_or_block_without_end_is_refused_with_its_bound_behind_what_came_before(String kind, String complaint)
            throws IOException {
        Path file = directory.resolve("whole." + kind);
        Event event = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 9, new byte[4], List.of());
        new Recording(START, List.of(event)).write(file);
        byte endless = kind.equals("imsg") ? (byte) 'a' : 0x74;
        byte[] begin = kind.equals("imsg") ? new byte[0] : new byte[]{5, 0, 0, 0};
        InputStream in = new SequenceInputStream(
                new ByteArrayInputStream(joined(Files.readAllBytes(file), begin)), new InputStream() {
                    @Override
                    public int read() {
                        return endless;
                    }
                });
        EventReader reader = EventReader.of(in, EventReader.USUAL_LIMIT);
        assertThat(reader.next()).isEqualTo(event);
        assertThatThrownBy(reader::next).isInstanceOf(IOException.class).hasMessageEndingWith(complaint);
    }

    @Test
    void a_line_of_words_without_end_is_refused() {
        String line = "0.000000000 1 > bytes" + " fd=a".repeat(100_000) + "\n";
        assertThatThrownBy(() -> Recording.read((TextFormat.heading(START) + line).getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IOException.class)
                .hasMessage("line 2 of the recording: an event has at most 262 words");
    }

    @Test
    void another_version_or_byte_order_is_refused_with_both() {
        assertThatThrownBy(() -> Recording.read("imsg-recording 2 little-endian x\n".getBytes(StandardCharsets.UTF_8)))
                .hasMessage("the recording's version is 2, this program reads 1");
        assertThatThrownBy(() -> Recording.read("imsg-recording 1 big-endian x\n".getBytes(StandardCharsets.UTF_8)))
                .hasMessage(
                        "the recording was made on a machine of the other byte order, in which its messages are: decode"
                                + " it there (imsg decode --json)");
        byte[] packet = PcapngFormat.packet(START, Event.end(0, 1, Direction.TO_SERVER));
        packet[OF_ORDER] ^= 1;
        assertThatThrownBy(() -> Recording.read(joined(PcapngFormat.heading(), packet)))
                .hasMessageEndingWith("decode it there (imsg decode --json), or look at it in Wireshark with imsg.lua");
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @Test
    void a_file_of_interfaces_alone_takes_no_memory_for_them() {
        byte[] one = ByteBuffer.allocate(20).order(ByteOrder.nativeOrder()).putInt(1).putInt(20).putShort((short) 147)
                .putShort(12, (short) 0).putInt(16, 20).array();
        byte[] many = PcapngFormat.heading();
        many = Arrays.copyOf(many, many.length + 20 * 65536);
        for (int at = many.length - 20; at >= PcapngFormat.heading().length; at -= 20)
            System.arraycopy(one, 0, many, at, 20);
        byte[] file = many;
        assertThatThrownBy(() -> Recording.read(file)).hasMessageEndingWith("more than 65536 interfaces");
    }

    @Test
    void no_damaged_file_is_read_without_an_IOException() throws IOException {
        Path file = directory.resolve("recording.pcapng");
        new Recording(START, allKinds()).write(file);
        byte[] good = Files.readAllBytes(file);
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 3000; i++) {
            byte[] damaged = good.clone();
            damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            if (i % 2 == 0)
                damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
            try {
                Recording.read(damaged);
            } catch (IOException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"recording.imsg", "recording.pcapng"})
    void of_a_file_cut_anywhere_what_is_whole_is_read(String name) throws IOException {
        Path file = directory.resolve(name);
        new Recording(START, allKinds()).write(file);
        byte[] good = Files.readAllBytes(file);
        int most = 0;
        for (int length = 70; length < good.length; length++) {
            List<Event> read = new ArrayList<>();
            try {
                EventReader events = EventReader.of(new ByteArrayInputStream(good, 0, length), EventReader.USUAL_LIMIT);
                for (Event event; (event = events.next()) != null;)
                    read.add(event);
            } catch (IOException e) {
                assertThat(e.getMessage()).contains("cut");
            }
            assertThat(read).as("%d bytes", length).hasSizeGreaterThanOrEqualTo(most).map(event -> event.at(0, 1))
                    .isEqualTo(allKinds().subList(0, read.size()).stream().map(event -> event.at(0, 1)).toList());
            most = read.size();
        }
        assertThat(most).isGreaterThanOrEqualTo(allKinds().size() - 1);
    }

    @Test
    void on_a_full_disk_the_file_ends_with_the_last_event_that_fits() throws Exception {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        Assumptions.assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()) == 0,
                "may not mount");
        try {
            Path file = disk.resolve("recording.imsg");
            Event event = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 2, 3, new byte[1000], List.of());
            try (Recorder recorder = Recorder.to(file)) {
                assertThatThrownBy(() -> {
                    for (;;) {
                        recorder.add(event);
                        recorder.flush();
                    }
                }).isInstanceOf(IOException.class).hasMessageContaining("cannot be written");
            }
            assertThat(Recording.read(file).events()).hasSizeBetween(20, 32).allMatch(event::equals);
            assertThat(Files.readString(file)).endsWith("\n");
        } finally {
            assertThat(run("umount", disk.toString())).isZero();
        }
    }

    private static int run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    @Test
    void a_request_behind_a_greeting_is_one_that_is_answered() {
        Event request = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 7, new byte[0], List.of());
        Event said = Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 2, 0, 7, new byte[0], List.of());
        assertThat(new Recording(START, List.of(said, said, request, said)).answeredRequest()).contains(request);
        assertThat(new Recording(START, List.of(said, request)).answeredRequest()).isEmpty();
    }

    @Test
    void a_stream_cut_anywhere_gives_the_same_messages_and_every_byte() {
        SplittableRandom random = new SplittableRandom(5);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        List<Event> sent = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            byte[] payload = new byte[random.nextInt(60)];
            random.nextBytes(payload);
            sent.add(Event.message(Direction.TO_CLIENT, WireFormat.MODERN, i, i, i, payload, List.of()));
            stream.writeBytes(sent.getLast().bytes());
        }
        byte[] bytes = stream.toByteArray();
        for (int size = 1; size < 200; size++) {
            StreamDecoder decoder = new StreamDecoder(1, Direction.TO_CLIENT, WireFormat.AUTO,
                    StreamDecoder.USUAL_LIMIT);
            List<Event> events = new ArrayList<>();
            for (int at = 0; at < bytes.length; at += size)
                events.addAll(
                        decoder.add(0, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + size)), List.of()));
            assertThat(events).as("cut every %d bytes", size).isEqualTo(sent);
        }
    }

    @Test
    void a_descriptor_belongs_to_the_message_at_whose_bytes_it_came() {
        StreamDecoder decoder = new StreamDecoder(1, Direction.TO_CLIENT, WireFormat.MODERN, StreamDecoder.USUAL_LIMIT);
        byte[] first = Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 1, 0, 0, new byte[4], List.of()).bytes();
        byte[] second = Event.header(WireFormat.MODERN, 2, 16, true, 0, 0);
        assertThat(decoder.add(0, Arrays.copyOf(first, 10), List.of())).isEmpty();
        assertThat(decoder.add(0, Arrays.copyOfRange(first, 10, 20), List.of())).singleElement()
                .satisfies(event -> assertThat(event.descriptors()).isEmpty());
        assertThat(decoder.add(0, Arrays.copyOf(second, 3), List.of("pipe:[1]"))).isEmpty();
        assertThat(decoder.add(0, Arrays.copyOfRange(second, 3, 16), List.of())).singleElement()
                .satisfies(event -> assertThat(event.descriptors()).containsExactly("pipe:[1]"));
    }

    @Test
    void a_descriptor_sent_with_several_messages_at_once_belongs_to_the_marked_one() {
        byte[] first = Event.message(Direction.TO_CLIENT, WireFormat.CLASSIC, 1, 0, 0, new byte[4], List.of()).bytes();
        byte[] marked = Event.header(WireFormat.CLASSIC, 2, 16, true, 0, 0);
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(first);
        both.writeBytes(marked);
        StreamDecoder decoder = new StreamDecoder(1, Direction.TO_CLIENT, WireFormat.CLASSIC,
                StreamDecoder.USUAL_LIMIT);
        List<Event> events = new ArrayList<>(decoder.add(0, both.toByteArray(), List.of("pipe:[1]")));
        events.addAll(decoder.add(0, marked, List.of("pipe:[2]")));
        events.addAll(decoder.add(0, first, List.of("pipe:[3]")));
        events.addAll(decoder.add(0, marked, List.of("pipe:[4]", "pipe:[5]")));
        events.addAll(decoder.add(0, marked, List.of()));
        assertThat(events).extracting(Event::descriptors).containsExactly(List.of(), List.of("pipe:[1]"),
                List.of("pipe:[2]"), List.of("pipe:[3]"), List.of("pipe:[4]", "pipe:[5]"), List.of());
    }

    @Test
    void a_stream_that_ends_inside_a_message_says_so() {
        StreamDecoder decoder = new StreamDecoder(1, Direction.TO_CLIENT, WireFormat.MODERN, StreamDecoder.USUAL_LIMIT);
        decoder.add(0, new byte[7], List.of());
        assertThat(decoder.end(0)).extracting(Event::kind).containsExactly(Event.Kind.BYTES, Event.Kind.END);
    }

    @Test
    void AUTO_is_refused_where_the_formats_cannot_be_told_apart() {
        assertThatThrownBy(() -> new StreamDecoder(1, Direction.TO_CLIENT, WireFormat.AUTO, 65536))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("65536");
    }
}
