package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mailbox and the queue, at each moment at which a process may have been killed. */
class MailboxTest {
    @TempDir
    private Path directory;
    private Mailbox mailbox;

    @BeforeEach
    void make() throws IOException {
        mailbox = Mailbox.of(directory, "anna");
    }

    private static InputStream text(String text) {
        return new ByteArrayInputStream(text.getBytes(UTF_8));
    }

    @Test
    void a_text_that_is_written_is_seen_by_no_reader_before_it_is_committed() throws IOException {
        mailbox.write("12.a", text("hello"));
        assertThat(mailbox.arrived()).isEmptyDirectory();
        mailbox.commit("12.a");
        assertThat(mailbox.arrived().resolve("12")).hasContent("hello");
        assertThat(mailbox.tmp()).isEmptyDirectory();
    }

    @Test
    void an_attempt_that_is_committed_again_does_not_come_back_when_its_reader_has_removed_it() throws IOException {
        mailbox.write("12.a", text("hello"));
        mailbox.commit("12.a");
        Files.delete(mailbox.arrived().resolve("12"));
        mailbox.commit("12.a");
        assertThat(mailbox.arrived()).isEmptyDirectory();
    }

    @Test
    void an_attempt_that_was_not_decided_for_goes_with_the_commit_of_the_other() throws IOException {
        mailbox.write("12.a", text("hel"));
        mailbox.write("12.b", text("hello"));
        mailbox.write("123.a", text("another message"));
        mailbox.commit("12.b");
        assertThat(mailbox.arrived().resolve("12")).hasContent("hello");
        assertThat(mailbox.tmp()).isDirectoryContaining(file -> file.endsWith("123.a"));
        assertThat(mailbox.tmp().resolve("12.a")).doesNotExist();
    }

    @Test
    void a_text_that_cannot_be_read_leaves_nothing() {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("broken");
            }
        };
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> mailbox.write("12.a", broken));
        assertThat(mailbox.tmp()).isEmptyDirectory();
    }

    @Test
    void names_that_lead_elsewhere_are_refused() {
        for (String name : new String[]{"../12.a", "12/..", "12.a.b", "", "."})
            assertThatIllegalArgumentException().isThrownBy(() -> mailbox.write(name, text("x")));
        for (String user : new String[]{"../anna", ".", "", "an/na", "a".repeat(33)})
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> Mailbox.of(directory, user));
    }

    @Test
    void a_file_that_a_killed_process_left_unfinished_is_removed_when_no_process_can_be_writing_it()
            throws IOException {
        Spool spool = Spool.in(directory);
        Path left = Files.createFile(Files.createDirectory(spool.unfinished()).resolve("1"));
        Path written = Files.createFile(spool.unfinished().resolve("2"));
        Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofMinutes(61))));
        spool.removeLeft();
        assertThat(left).doesNotExist();
        assertThat(written).exists();
    }
}
