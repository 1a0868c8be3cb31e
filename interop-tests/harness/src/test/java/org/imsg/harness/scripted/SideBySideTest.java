package org.imsg.harness.scripted;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;

class SideBySideTest {
    private static final Event MESSAGE = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 1, new byte[0],
            Collections.nCopies(255, "/x".repeat(1000)));

    private static String text(List<String> script, List<Integer> before, int events) {
        return new SideBySide(script, before, Collections.nCopies(events, MESSAGE), ProtocolDescription.NONE)
                .text("nothing came");
    }

    @Test
    void of_events_without_end_the_last_of_a_step_are_shown() {
        assertThat(text(List.of("expect the end"), List.of(0), 100_000)).hasSizeLessThan(1 << 20)
                .contains("| ... 99900 events\n").hasLineCount(106);
    }

    @Test
    void of_steps_without_end_the_last_are_shown() {
        List<Integer> before = IntStream.range(0, 50_000).boxed().toList();
        assertThat(text(Collections.nCopies(50_000, "send"), before, 50_000)).hasSizeLessThan(1 << 20)
                .contains("\n  ... 49900 steps", "| ... 49900 events\n  49901 send", "\n  50000 send");
    }
}
