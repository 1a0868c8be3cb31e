package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;

class MarksTest {
    private final Marks marks = new Marks();

    private static boolean isOpen(int number) {
        return Files.exists(Path.of("/proc/self/fd/" + number));
    }

    private int add(long at) throws IOException {
        Fd fd = Fd.open(Path.of("/dev/null"));
        int number = fd.intValue();
        marks.add(at, fd);
        assertThat(fd.isOpen()).isFalse();
        return number;
    }

    @Test
    void come_out_in_order_however_the_ring_has_turned_when_it_grows() throws Exception {
        for (int turned = 0; turned < 8; turned++) {
            for (int i = 0; i < turned; i++) {
                add(0);
                marks.removeFirst();
            }
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < 20; i++)
                numbers.add(add(100 + i));
            for (int i = 0; i < 20; i++) {
                assertThat(marks.firstAt()).isEqualTo(100 + i);
                assertThat(marks.secondAt()).isEqualTo(i < 19 ? 101 + i : Marks.NEVER);
                assertThat(marks.first()).isEqualTo(numbers.get(i));
                marks.removeFirst();
                assertThat(isOpen(numbers.get(i))).isFalse();
            }
            assertThat(marks.firstAt()).isEqualTo(Marks.NEVER);
            assertThat(marks.first()).isEqualTo(Marks.NONE);
        }
    }

    @Test
    void are_all_closed_and_refused_afterwards() throws Exception {
        int first = add(1);
        int second = add(2);
        marks.close();
        assertThat(isOpen(first)).isFalse();
        assertThat(isOpen(second)).isFalse();
        try (Fd late = Fd.open(Path.of("/dev/null"))) {
            assertThatThrownBy(() -> marks.add(3, late)).isInstanceOf(ClosedChannelException.class);
            assertThat(late.isOpen()).isTrue();
        }
    }

    @Test
    void of_a_descriptor_that_was_handed_on_are_not_made() throws Exception {
        Fd gone = Fd.open(Path.of("/dev/null"));
        gone.close();
        assertThatIllegalStateException().isThrownBy(() -> marks.add(1, gone));
        assertThat(marks.firstAt()).isEqualTo(Marks.NEVER);
    }
}
