package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;

class QueuedDescriptorsTest {
    private final QueuedDescriptors queue = new QueuedDescriptors();

    private static boolean isOpen(int number) {
        return Files.exists(Path.of("/proc/self/fd/" + number));
    }

    private int add(long at) throws IOException {
        Fd fd = Fd.open(Path.of("/dev/null"));
        int number = fd.intValue();
        queue.add(at, fd);
        assertThat(fd.isOpen()).isFalse();
        return number;
    }

    @Test
    void come_out_in_order_however_the_ring_has_turned_when_it_grows() throws Exception {
        for (int turned = 0; turned < 8; turned++) {
            for (int i = 0; i < turned; i++) {
                add(0);
                queue.closeFirst();
            }
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < 20; i++)
                numbers.add(add(100 + i));
            for (int i = 0; i < 20; i++) {
                assertThat(queue.firstPlace()).isEqualTo(100 + i);
                assertThat(queue.secondPlace()).isEqualTo(i < 19 ? 101 + i : QueuedDescriptors.NEVER);
                assertThat(queue.first()).isEqualTo(numbers.get(i));
                queue.closeFirst();
                assertThat(isOpen(numbers.get(i))).isFalse();
            }
            assertThat(queue.firstPlace()).isEqualTo(QueuedDescriptors.NEVER);
        }
    }

    @Test
    void are_all_closed() throws Exception {
        int first = add(1);
        int second = add(2);
        queue.close();
        assertThat(isOpen(first)).isFalse();
        assertThat(isOpen(second)).isFalse();
        assertThat(queue.firstPlace()).isEqualTo(QueuedDescriptors.NEVER);
    }

    @Test
    void give_back_the_one_that_was_added_last() throws Exception {
        add(1);
        int last = add(2);
        assertThat(queue.lastPlace()).isEqualTo(2);
        try (Fd fd = queue.takeLast()) {
            assertThat(fd.intValue()).isEqualTo(last);
        }
        assertThat(queue.lastPlace()).isEqualTo(1);
        queue.close();
        assertThat(queue.lastPlace()).isEqualTo(QueuedDescriptors.NEVER);
    }

    @Test
    void of_a_descriptor_that_was_handed_on_are_not_made() throws Exception {
        Fd gone = Fd.open(Path.of("/dev/null"));
        gone.close();
        assertThatIllegalStateException().isThrownBy(() -> queue.add(1, gone));
        assertThat(queue.firstPlace()).isEqualTo(QueuedDescriptors.NEVER);
    }
}
