package org.imsg;

import java.time.Duration;
import java.util.ArrayDeque;
import org.imsg.concurrency.Model;
import org.imsg.concurrency.Share;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(Share.TORTURE)
class IbufQueueModelTest {
    private static final int NOTHING = -1;

    @Test
    void two_queues_are_as_of_one_thread_in_every_order() {
        Model.check(Threads.class, Specification.class);
    }

    @Test
    void two_queues_are_as_of_one_thread_under_stress() {
        Model.stress(Threads.class, Specification.class);
    }

    @Test
    void a_thread_that_waits_is_woken_by_a_push_a_concat_and_a_close() {
        String[] take = {"take"};
        Model.check(Threads.class, Specification.class, take, new String[]{"push"});
        Model.check(Threads.class, Specification.class, take, new String[]{"push", "push"}, take);
        Model.check(Threads.class, Specification.class, take, new String[]{"pushOther", "concat"});
        Model.check(Threads.class, Specification.class, take, new String[]{"close"}, take);
    }

    /** What the threads do. */
    public static final class Threads {
        private final IbufQueue queue = new IbufQueue();
        private final IbufQueue other = new IbufQueue();

        @Operation
        public int push() {
            return push(7, queue);
        }

        /** Another number, so that the order is seen. */
        @Operation
        public int pushEight() {
            return push(8, queue);
        }

        @Operation
        public int pushOther() {
            return push(9, other);
        }

        private static int push(int number, IbufQueue to) {
            try (Ibuf buffer = Ibuf.open(4).addN32(number)) {
                to.push(buffer);
                return 1;
            } catch (IllegalStateException _) {
                return 0;
            }
        }

        @Operation
        public int pop() {
            return value(queue.pop());
        }

        @Operation
        public int poll() throws InterruptedException {
            return value(queue.poll(Duration.ZERO));
        }

        public int take() throws InterruptedException {
            return value(queue.take());
        }

        private static int value(Ibuf popped) {
            return popped == null ? NOTHING : (int) popped.getN32();
        }

        @Operation
        public int queuelen() {
            return queue.queuelen();
        }

        @Operation
        public int concat() {
            try {
                queue.concat(other);
                return 1;
            } catch (IllegalStateException _) {
                return 0;
            }
        }

        @Operation
        public void concatBack() {
            other.concat(queue);
        }

        @Operation
        public void flush() {
            queue.flush();
        }

        @Operation
        public void close() {
            queue.close();
        }
    }

    /** What one thread would see; but it does not wait. */
    public static final class Specification {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();
        private final ArrayDeque<Integer> other = new ArrayDeque<>();
        private boolean closed;

        public int push() {
            return push(7);
        }

        public int pushEight() {
            return push(8);
        }

        private int push(int number) {
            if (!closed)
                queue.add(number);
            return closed ? 0 : 1;
        }

        public int pushOther() {
            other.add(9);
            return 1;
        }

        public int pop() {
            Integer first = queue.poll();
            return first == null ? NOTHING : first;
        }

        public int poll() {
            return pop();
        }

        public int take() {
            int first = pop();
            if (first == NOTHING && !closed)
                throw new IllegalStateException("waits");
            return first;
        }

        public int queuelen() {
            return queue.size();
        }

        public int concat() {
            if (closed)
                return 0;
            queue.addAll(other);
            other.clear();
            return 1;
        }

        public void concatBack() {
            other.addAll(queue);
            queue.clear();
        }

        public void flush() {
            queue.clear();
        }

        public void close() {
            closed = true;
            queue.clear();
        }
    }
}
