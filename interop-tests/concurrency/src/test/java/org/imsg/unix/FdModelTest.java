package org.imsg.unix;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import org.imsg.concurrency.Model;
import org.imsg.concurrency.Share;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(Share.TORTURE)
class FdModelTest {
    @Test
    void a_call_is_inside_its_own_file_and_a_number_is_closed_once_in_every_order() {
        Model.check(Threads.class, Specification.class);
    }

    @Test
    void a_call_is_inside_its_own_file_and_a_number_is_closed_once_under_stress() {
        Model.stress(Threads.class, Specification.class);
    }

    @Test
    void a_number_is_closed_once_where_a_close_meets_two_calls() {
        Model.check(Threads.class, Specification.class, new String[]{"use"}, new String[]{"close"},
                new String[]{"use"});
    }

    @Test
    void a_number_is_closed_once_where_a_close_meets_a_call_and_a_move_or_a_second_close() {
        Model.check(Threads.class, Specification.class, new String[]{"use"}, new String[]{"close"},
                new String[]{"move"});
        Model.check(Threads.class, Specification.class, new String[]{"use"}, new String[]{"close"},
                new String[]{"close"});
    }

    /** What the threads do. */
    public static final class Threads {
        private final Fd fd;
        private final int number;
        private final List<Integer> opened = new ArrayList<>();

        public Threads() throws IOException {
            fd = OpenFiles.used();
            number = fd.intValue();
        }

        @Operation
        public String use() {
            int inside;
            try {
                inside = fd.enter();
            } catch (ClosedChannelException _) {
                return OpenFiles.CLOSED;
            }
            try {
                return OpenFiles.state(inside);
            } finally {
                fd.exit();
            }
        }

        @Operation
        public void close() {
            fd.close();
            open();
        }

        /** Once no other thread is inside. */
        @Operation
        public String move() {
            while (fd.isOpen())
                try (Fd moved = fd.move()) {
                    return OpenFiles.state(moved.intValue());
                } catch (IllegalStateException _) {
                    // a thread is inside, or has closed it
                }
            return OpenFiles.CLOSED;
        }

        /** Another file of this process may get the number as soon as it is closed. */
        private void open() {
            synchronized (opened) {
                opened.add(OpenFiles.later());
            }
        }

        @Validate
        public void onlyWhatWasOwnedIsClosed() {
            fd.close();
            for (int later : opened)
                if (!OpenFiles.closeLater(later))
                    throw new IllegalStateException("another file was closed");
            if (OpenFiles.state(number).equals(OpenFiles.OPEN))
                throw new IllegalStateException("nobody has closed the descriptor");
        }
    }

    /** What one thread would see. */
    public static final class Specification {
        private boolean closed;

        public String use() {
            return closed ? OpenFiles.CLOSED : OpenFiles.OPEN;
        }

        public void close() {
            closed = true;
        }

        public String move() {
            String before = use();
            closed = true;
            return before;
        }
    }
}
