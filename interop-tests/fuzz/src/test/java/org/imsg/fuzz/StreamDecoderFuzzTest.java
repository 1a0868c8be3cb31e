package org.imsg.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.wire.Dialect;

/** However a stream is cut, the events of a decoder have all of its bytes and each descriptor once. */
class StreamDecoderFuzzTest {
    @FuzzTest
    void events_have_every_byte_and_every_descriptor_once_in_order(byte[] input) {
        for (Dialect dialect : List.of(Dialect.MODERN, Dialect.CLASSIC, Dialect.AUTO)) {
            ReadScript script = ReadScript.of(input, dialect == Dialect.AUTO ? Dialect.CLASSIC : dialect);
            check(script, new StreamDecoder(1, Direction.TO_SERVER, WireFormat.valueOf(dialect.name()),
                    script.limit()));
        }
    }

    private static void check(ReadScript script, StreamDecoder decoder) {
        List<Event> events = new ArrayList<>();
        List<String> sent = new ArrayList<>();
        int at = 0;
        for (ReadScript.Read read : script.reads()) {
            List<String> descriptors = read.descriptor() < 0 ? List.of() : List.of("file " + read.descriptor());
            sent.addAll(descriptors);
            events.addAll(decoder.add(at, Arrays.copyOfRange(script.stream(), at, at += read.bytes()), descriptors));
        }
        events.addAll(decoder.end(at));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        events.forEach(event -> bytes.writeBytes(event.bytes()));
        assertThat(bytes.toByteArray()).isEqualTo(script.stream());
        assertThat(events.stream().flatMap(event -> event.descriptors().stream())).containsExactlyElementsOf(sent);
    }
}
