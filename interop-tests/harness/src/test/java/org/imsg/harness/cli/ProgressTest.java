package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;

class ProgressTest {
    private final StringWriter err = new StringWriter();

    private Progress progress(boolean shown, long interval) {
        return new Progress(new PrintWriter(err), shown, interval);
    }

    @Test
    void a_line_is_written_over_the_last_and_erased_before_anything_else() {
        Progress progress = progress(true, 0);
        progress.show("1 of 2");
        progress.show("2 of 2");
        progress.erase();
        progress.erase();
        assertThat(err.toString()).isEqualTo("\r\u001B[K1 of 2\r\u001B[K2 of 2\r\u001B[K");
    }

    @Test
    void away_from_a_terminal_nothing_is_written() {
        Progress progress = progress(false, 0);
        progress.show("1 of 2");
        progress.erase();
        progress.end();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void within_the_interval_there_is_one_line_and_the_end_leaves_it() {
        Progress progress = progress(true, Long.MAX_VALUE / 2);
        progress.show("1");
        progress.show("2");
        progress.end();
        assertThat(err.toString()).isEqualTo("\r\u001B[K1" + System.lineSeparator());
    }

    @Test
    void what_passed_is_counted() {
        Progress progress = progress(true, 0);
        assertThat(progress.counted()).isEqualTo("0 connections, 0 messages, 0 descriptors, 0 bytes");
        progress.count(Event.note(0, 1, "connected"));
        progress.count(Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 0, new byte[4], List.of("pipe")));
        progress.count(Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 0, new byte[0], List.of()).at(0, 2));
        assertThat(progress.counted()).isEqualTo("2 connections, 2 messages, 1 descriptor, 36 bytes");
        assertThat(progress.events()).isEqualTo(3);
    }
}
