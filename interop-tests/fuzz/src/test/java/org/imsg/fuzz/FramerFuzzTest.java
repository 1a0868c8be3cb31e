package org.imsg.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;

/**
 * The same bytes and descriptors, in the same reads, into the C library and into ours give the same messages, the same
 * descriptors and the same end, in both formats.
 *
 * <p>One difference is known. A read that begins inside a marked message's header, and reaches into a later message, may have
 * brought the descriptor of either: C gives it to the first, we give it to the later one if that is marked. From such a read on
 * only the messages are compared, and that no descriptor is lost or given twice.
 */
class FramerFuzzTest {
    @FuzzTest
    void the_same_reads_give_the_same_messages_and_descriptors_here_and_in_C(byte[] input) {
        assumeTrue(Files.exists(Path.of(System.getProperty("imsg.c-reference"), "scripted-reads-modern.so")),
                "make built no scripted reads: not Linux");
        compare(ReadScript.of(input, Dialect.MODERN), Dialect.MODERN);
        compare(ReadScript.of(input, Dialect.CLASSIC), Dialect.CLASSIC);
    }

    private static void compare(ReadScript script, Dialect dialect) {
        Outcome c = CReader.read(script, dialect);
        JavaReader java = new JavaReader(script, dialect);
        Outcome ours = java.read();
        if (c.equals(ours))
            return;
        assertThat(ours.withoutDescriptors()).as("messages of %s", dialect).isEqualTo(c.withoutDescriptors());
        assertThat(ours.bad()).as("end of %s", dialect).isEqualTo(c.bad());
        int regular = java.regular;
        assertThat(first(ours.messages(), regular)).as("descriptors of %s", dialect)
                .isEqualTo(first(c.messages(), regular));
        List<Integer> given = script.reads().stream().map(ReadScript.Read::descriptor).limit(java.reads)
                .filter(each -> each >= 0).toList();
        assertThat(held(ours)).as("each descriptor of %s once", dialect).containsExactlyElementsOf(given);
        assertThat(held(c)).as("each descriptor of %s once in C", dialect).containsExactlyElementsOf(given);
    }

    private static <T> List<T> first(List<T> all, int count) {
        return all.subList(0, Math.min(count, all.size()));
    }

    /** Every descriptor that a message has or that was closed. */
    private static List<Integer> held(Outcome outcome) {
        return Stream.concat(outcome.messages().stream().map(Outcome.Message::descriptor), outcome.closed().stream())
                .filter(each -> each >= 0).sorted().toList();
    }

    /** Our framer, used as a channel uses it. */
    private static final class JavaReader {
        private final ReadScript script;
        private final List<Integer> closed = new ArrayList<>();
        private final List<Outcome.Message> messages = new ArrayList<>();
        private final Framer framer;
        private final MemorySegment memory;
        /** How many messages were whole before the first read that differs in C; how many reads were made. */
        private int regular = Integer.MAX_VALUE;
        private int reads;
        private int start;
        private int end;

        JavaReader(ReadScript script, Dialect dialect) {
            this.script = script;
            framer = new Framer(dialect, script.limit(), closed::add);
            memory = MemorySegment.ofArray(script.stream());
        }

        Outcome read() {
            boolean bad = false;
            int given = 0;
            for (ReadScript.Read read : script.reads()) {
                reads++;
                boolean insideHeader = end > start && end - start < ImsgHeader.SIZE;
                // One that came with the header's beginning is the message's in C too.
                boolean held = given > closed.size()
                        + messages.stream().filter(each -> each.descriptor() >= 0).count();
                if (insideHeader && !held && read.descriptor() >= 0)
                    regular = Math.min(regular, messages.size());
                given += read.descriptor() >= 0 ? 1 : 0;
                framer.arrived(read.bytes(), read.descriptor(), false);
                end += read.bytes();
                int length = take();
                if (length == Framer.BAD_HEADER) {
                    bad = true;
                    break;
                }
            }
            framer.close();
            return new Outcome(messages, closed, bad);
        }

        private int take() {
            int length;
            while ((length = framer.next(memory, start, end - start)) > 0) {
                int descriptor = Math.max(-1, framer.descriptor());
                byte[] payload = Arrays.copyOfRange(script.stream(), start + 16, start + length);
                int sum = 0;
                for (int i = 0; i < payload.length; i++)
                    sum += (i + 1) * (payload[i] & 0xFF);
                messages.add(new Outcome.Message(ImsgHeader.type(memory, start), length,
                        ImsgHeader.peerid(memory, start), ImsgHeader.pid(memory, start), descriptor, sum));
                start += length;
            }
            return length;
        }
    }
}
