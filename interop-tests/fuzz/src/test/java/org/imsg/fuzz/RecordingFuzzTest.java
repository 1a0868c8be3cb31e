package org.imsg.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.harness.record.Recording;

/** A file is a recording, as text or as pcapng, or refused with an {@code IOException}; what was read is written the same. */
class RecordingFuzzTest {
    @FuzzTest
    void a_recording_is_refused_or_written_again_as_it_was_read(byte[] file) throws IOException {
        Recording recording;
        try {
            recording = Recording.read(file);
        } catch (IOException _) {
            return;
        }
        Path copy = Files.createTempFile("recording", ".imsg");
        try {
            recording.write(copy);
            assertThat(Recording.read(copy).events()).isEqualTo(recording.events());
        } finally {
            Files.delete(copy);
        }
    }
}
