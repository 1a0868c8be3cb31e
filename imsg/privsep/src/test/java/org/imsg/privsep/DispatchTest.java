package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.imsg.testing.Call;
import org.imsg.Imsg;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is called for which message, and when. */
@Timeout(30)
class DispatchTest {
    private static final Peer RELAY = new Peer("relay", 1, null);
    private static final Peer RESOLVER = new Peer("resolver", 0, null);

    private final Dispatch dispatch = new Dispatch(System.getLogger("dispatch"));
    private final List<String> called = Collections.synchronizedList(new ArrayList<>());

    private PeerHandler record(String name) {
        return (from, message) -> called.add(name + " " + from + " " + message.type());
    }

    /** What a header says of its sender is the sender's to write. */
    private static Imsg message(int type) {
        return Imsg.of(type, 4711, 1, new byte[0]);
    }

    @Test
    void a_handler_for_one_role_is_not_called_for_another_whatever_the_header_says() throws Exception {
        dispatch.on("relay", 5, record("relays"));
        dispatch.open();
        dispatch.deliver(RELAY, message(5));
        assertThatExceptionOfType(ViolationException.class).isThrownBy(() -> dispatch.deliver(RESOLVER, message(5)))
                .withMessageContaining("no handler is set for").withMessageContaining("from resolver[0]");
        assertThat(called).containsExactly("relays relay[1] 5");
    }

    @Test
    void a_handler_for_the_senders_role_comes_before_one_for_anybody() throws Exception {
        dispatch.on(5, record("anybodys"));
        dispatch.on("relay", 5, record("relays"));
        dispatch.open();
        dispatch.deliver(RELAY, message(5));
        dispatch.deliver(RESOLVER, message(5));
        assertThat(called).containsExactly("relays relay[1] 5", "anybodys resolver[0] 5");
    }

    @Test
    void a_type_has_one_handler_for_a_role() {
        dispatch.on(5, record("one"));
        dispatch.on("relay", 5, record("another"));
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> dispatch.on(5, record("second")))
                .withMessageContaining("type 5 from anybody");
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> dispatch.on("relay", 5, record("second"))).withMessageContaining("from relay");
    }

    @Test
    void messages_wait_until_it_is_opened() throws Exception {
        dispatch.on(5, record("anybodys"));
        Call<Void> delivery = deliver(RELAY).awaitWaiting();
        assertThat(called).isEmpty();
        dispatch.open();
        delivery.result();
        assertThat(called).containsExactly("anybodys relay[1] 5");
    }

    @Test
    void after_it_is_closed_messages_are_dropped_those_that_wait_too() throws Exception {
        dispatch.on(5, record("anybodys"));
        Call<Void> delivery = deliver(RELAY).awaitWaiting();
        dispatch.close();
        delivery.result();
        dispatch.deliver(RELAY, message(5));
        assertThat(called).isEmpty();
    }

    @Test
    void one_call_at_a_time_is_made_handlers_and_others_alike() throws Exception {
        CountDownLatch finish = new CountDownLatch(1);
        CountDownLatch entered = new CountDownLatch(1);
        dispatch.on("relay", 5, (_, _) -> {
            entered.countDown();
            finish.await();
            called.add("slow");
        });
        dispatch.on("resolver", 5, record("quick"));
        dispatch.open();
        Call<Void> slow = deliver(RELAY);
        entered.await();
        Call<Void> quick = deliver(RESOLVER).awaitWaiting();
        Call<Void> other = Call.<Void>start(Call.On.PLATFORM, () -> {
            dispatch.inTurn(() -> called.add("other"));
            return null;
        }).awaitWaiting();
        assertThat(called).isEmpty();
        finish.countDown();
        slow.result();
        quick.result();
        other.result();
        assertThat(called).containsExactly("slow", "quick resolver[0] 5", "other");
    }

    private Call<Void> deliver(Peer from) {
        return Call.start(Call.On.PLATFORM, () -> {
            dispatch.deliver(from, message(5));
            return null;
        });
    }
}
