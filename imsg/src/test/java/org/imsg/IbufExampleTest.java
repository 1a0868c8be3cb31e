package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

/** The programs shown in the Javadoc of {@link Ibuf} and {@link IbufQueue}. */
class IbufExampleTest {
    private static final int AF_INET = 2;

    @Test
    void a_route_built_with_an_ibuf_is_read_back_by_the_same_steps() {
        Ibuf built = buildRoute();
        assertThat(parseRoute(built.data())).isEqualTo("192.0.2.1 em0 mtu 1500 [static]");
        assertThatThrownBy(() -> parseRoute(built.data().asSlice(0, 10))).isInstanceOf(TruncatedMessageException.class);
    }

    // @start region="build"
    static Ibuf buildRoute() {
        Ibuf route = Ibuf.dynamic(64, 16_368);
        route.addN8(AF_INET).add(new byte[]{(byte) 192, 0, 2, 1});
        route.addStrbuf("em0", 16);
        int lengthAt = route.size();
        route.addH32(0); // not known yet
        route.addH16(1500);
        route.add("static".getBytes(UTF_8));
        route.setH32(lengthAt, route.size() - lengthAt - 6);
        return route;
    }
    // @end

    // @start region="parse"
    static String parseRoute(MemorySegment payload) {
        Ibuf route = Ibuf.fromBuffer(payload); // a view: nothing is copied
        if (route.getN8() != AF_INET) {
            throw new IllegalArgumentException("not an IPv4 route");
        }
        byte[] address = route.get(4); // fewer left: TruncatedMessageException
        String name = route.getStrbuf(16);
        long labelLength = route.getH32();
        int mtu = route.getH16();
        String label = route.getString((int) labelLength);
        return "%d.%d.%d.%d %s mtu %d [%s]".formatted(address[0] & 0xff, address[1], address[2], address[3], name, mtu,
                label);
    }
    // @end

    @Test
    void a_queue_hands_buffers_from_one_thread_to_another() throws InterruptedException {
        List<Long> seen = new ArrayList<>();
        handOver(seen);
        assertThat(seen).containsExactly(1L, 2L, 3L);
    }

    static void handOver(List<Long> seen) throws InterruptedException {
        // @start region="queue"
        try (IbufQueue queue = new IbufQueue()) {
            Thread producer = Thread.startVirtualThread(() -> {
                for (int number = 1; number <= 3; number++) {
                    try (Ibuf buffer = Ibuf.open(4)) {
                        queue.push(buffer.addN32(number)); // moves it: the close that follows does nothing
                    }
                }
            });
            while (seen.size() < 3) {
                try (Ibuf buffer = queue.poll(Duration.ofSeconds(10))) { // null when nothing came
                    seen.add(buffer.getN32());
                }
            }
            producer.join();
        }
        // @end
    }
}
