package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.IllegalReferenceCountException;
import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import org.imsg.unix.Fd;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.internal.PlatformDependent;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.imsg.netty.handler.ImsgLimits;
import org.imsg.netty.handler.ImsgRequests;
import org.imsg.netty.handler.PeerLimitException;
import org.imsg.netty.handler.RequestTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Requests and limits, on Netty's frozen clock: time passes only when a test says so. */
@ExtendWith(LeakDetection.class)
class HandlersTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final int END = 99;

    private final List<Throwable> causes = new ArrayList<>();
    private final ChannelInboundHandlerAdapter last = new ChannelInboundHandlerAdapter() {
        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            causes.add(cause);
        }
    };

    private static ImsgMessage message(int type, int id, String payload) {
        return new ImsgMessage(type, id, 0, Unpooled.copiedBuffer(payload, StandardCharsets.UTF_8));
    }

    private static String text(ImsgMessage message) {
        String text = message.content().toString(StandardCharsets.UTF_8);
        message.release();
        return text;
    }

    /** The id that the handler gave the next request it sent. */
    private static int sentId(EmbeddedChannel channel) {
        ImsgMessage sent = channel.readOutbound();
        int id = sent.id();
        sent.release();
        return id;
    }

    @Test
    void a_reply_finds_its_request_in_whatever_order_they_come() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        Future<ImsgMessage> first = requests.request(message(1, 0, "first?"), SECOND);
        Future<ImsgMessage> second = requests.request(message(1, 0, "second?"), SECOND);
        int firstId = sentId(channel);
        int secondId = sentId(channel);
        channel.writeInbound(message(2, secondId, "second!"), message(2, 4711, "unasked"),
                message(2, firstId, "first!"));
        assertThat(text(first.getNow())).isEqualTo("first!");
        assertThat(text(second.getNow())).isEqualTo("second!");
        assertThat(text(channel.readInbound())).isEqualTo("unasked");
        channel.finishAndReleaseAll();
    }

    @Test
    void replies_are_handed_over_until_the_one_that_is_the_end() {
        ImsgRequests requests = new ImsgRequests(1000);
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        List<String> replies = new ArrayList<>();
        Future<ImsgMessage> end = requests.requestAll(message(1, 0, "all?"), SECOND, type -> type == END,
                reply -> replies.add(reply.content().toString(StandardCharsets.UTF_8)));
        assertThat(sentId(channel)).isEqualTo(1000);
        ImsgMessage one = message(2, 1000, "one");
        channel.writeInbound(one, message(2, 1000, "two"));
        assertThat(end.isDone()).isFalse();
        channel.writeInbound(message(END, 1000, "end"), message(2, 1000, "after the end"));
        assertThat(replies).containsExactly("one", "two");
        assertThat(one.refCnt()).isZero();
        assertThat(text(end.getNow())).isEqualTo("end");
        assertThat(text(channel.readInbound())).isEqualTo("after the end");
        channel.finishAndReleaseAll();
    }

    @Test
    void a_request_fails_at_its_deadline_and_a_late_reply_goes_on() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        channel.freezeTime();
        Future<ImsgMessage> reply = requests.request(message(1, 0, "?"), SECOND);
        int id = sentId(channel);
        channel.advanceTimeBy(999, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(reply.isDone()).isFalse();
        channel.advanceTimeBy(1, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(reply.cause()).isInstanceOf(RequestTimeoutException.class).hasMessageContaining("1000 ms");
        channel.writeInbound(message(2, id, "late"));
        assertThat(text(channel.readInbound())).isEqualTo("late");
        channel.finishAndReleaseAll();
    }

    @Test
    void open_requests_fail_with_what_ends_the_channel() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests, last);
        Future<ImsgMessage> broken = requests.request(message(1, 0, "?"), SECOND);
        IllegalStateException cause = new IllegalStateException("the peer talks nonsense");
        channel.pipeline().fireExceptionCaught(cause);
        assertThat(broken.cause()).isSameAs(cause);
        assertThat(causes).containsExactly(cause);
        Future<ImsgMessage> closed = requests.request(message(1, 0, "?"), SECOND);
        channel.releaseOutbound();
        channel.close();
        assertThat(closed.cause()).isInstanceOf(ClosedChannelException.class);
        ImsgMessage late = message(1, 0, "?");
        assertThat(requests.request(late, SECOND).cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(late.refCnt()).isZero();
        channel.finishAndReleaseAll();
        assertThatThrownBy(() -> new ImsgRequests().request(message(1, 0, "?"), SECOND))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void requests_fail_at_once_when_the_peer_has_ended_its_output() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        Future<ImsgMessage> open = requests.request(message(1, 0, "?"), SECOND);
        channel.releaseOutbound();
        channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        assertThat(open.cause()).isInstanceOf(EOFException.class).hasMessageContaining("ended its output");
        ImsgMessage late = message(1, 0, "?");
        assertThat(requests.request(late, SECOND).cause()).isInstanceOf(EOFException.class);
        assertThat(late.refCnt()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void requests_of_a_removed_handler_fail_at_once() throws Exception {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        channel.pipeline().remove(requests);
        ImsgMessage late = new ImsgMessage(1, 0, 0, Unpooled.EMPTY_BUFFER, Wire.pipeSaying(""));
        assertThat(requests.request(late, SECOND).cause()).isInstanceOf(ClosedChannelException.class);
        assertThat(late.refCnt()).isZero();
        assertThat(late.hasFd()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_request_on_a_dead_loop_fails_and_is_released() throws Exception {
        EventLoopGroup group = Loops.EPOLL.newGroup(1);
        Fd.Pair pair = Fd.socketpair();
        ImsgRequests requests = new ImsgRequests();
        Wire.open(group, pair.first(), requests);
        Loops.end(group);
        pair.second().close();
        ImsgMessage late = new ImsgMessage(1, 0, 0, Unpooled.EMPTY_BUFFER, Wire.pipeSaying(""));
        List<Throwable> told = new ArrayList<>();
        requests.request(late, SECOND).addListener(failed -> told.add(failed.cause()));
        assertThat(told).singleElement().isInstanceOf(RejectedExecutionException.class);
        assertThat(late.refCnt()).isZero();
        assertThat(late.hasFd()).isFalse();
    }

    @Test
    void a_request_that_cannot_be_scheduled_or_was_released_fails_and_holds_nothing() throws Exception {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        ImsgMessage refused = new ImsgMessage(1, 0, 0, Unpooled.EMPTY_BUFFER, Wire.pipeSaying(""));
        assertThat(requests.request(refused, null).cause()).isInstanceOf(NullPointerException.class);
        assertThat(refused.refCnt()).isZero();
        assertThat(requests.request(refused, SECOND).cause()).isInstanceOf(IllegalReferenceCountException.class);
        assertThat(channel.outboundMessages()).isEmpty();
        channel.finishAndReleaseAll();
    }

    @Test
    void what_is_not_made_owns_nothing() throws Exception {
        Fd fd = Wire.pipeSaying("still the caller's");
        assertThatThrownBy(() -> new ImsgMessage(1, 0, 0, null, fd)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> new FdBuf(null, fd)).isInstanceOf(NullPointerException.class);
        FdBuf made = new FdBuf(Wire.bytes("x"), fd);
        assertThatThrownBy(() -> made.replace(null)).isInstanceOf(NullPointerException.class);
        assertThat(Wire.say(made.takeFd())).isEqualTo("still the caller's");
        made.release();
    }

    @Test
    void the_reply_to_a_cancelled_request_goes_on_and_a_throwing_consumer_ends_its() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        Future<ImsgMessage> cancelled = requests.request(message(1, 0, "?"), SECOND);
        int id = sentId(channel);
        cancelled.cancel(false);
        channel.runPendingTasks();
        channel.writeInbound(message(2, id, "unwanted"));
        assertThat(text(channel.readInbound())).isEqualTo("unwanted");
        Future<ImsgMessage> failing = requests.requestAll(message(1, 0, "?"), SECOND, type -> type == END, reply -> {
            throw new IllegalArgumentException("cannot read this");
        });
        ImsgMessage bad = message(2, sentId(channel), "bad");
        channel.writeInbound(bad);
        assertThat(failing.cause()).hasMessage("cannot read this");
        assertThat(bad.refCnt()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void an_error_of_a_consumer_ends_its_request_and_no_other() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests, last);
        Future<ImsgMessage> other = requests.request(message(1, 0, "?"), SECOND);
        int otherId = sentId(channel);
        Future<ImsgMessage> failing = requests.requestAll(message(1, 0, "?"), SECOND, type -> type == END, reply -> {
            throw new AssertionError("cannot read this");
        });
        ImsgMessage bad = message(2, sentId(channel), "bad");
        channel.writeInbound(bad, message(2, otherId, "good"));
        assertThat(failing.cause()).hasMessage("cannot read this");
        assertThat(text(other.getNow())).isEqualTo("good");
        assertThat(bad.refCnt()).isZero();
        assertThat(causes).isEmpty();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_predicate_that_throws_ends_its_request_and_no_other() {
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(requests);
        for (Exception thrown : List.of(new IllegalArgumentException("no such type"), new IOException("undeclared"))) {
            Future<ImsgMessage> failing = requests.requestAll(message(1, 0, "?"), SECOND, type -> {
                PlatformDependent.throwException(thrown);
                return true;
            }, reply -> {});
            ImsgMessage bad = message(2, sentId(channel), "bad");
            Future<ImsgMessage> other = requests.request(message(1, 0, "?"), SECOND);
            int otherId = sentId(channel);
            channel.writeInbound(bad);
            assertThat(failing.cause()).isSameAs(thrown);
            assertThat(bad.refCnt()).isZero();
            channel.writeInbound(message(2, otherId, "good"));
            assertThat(text(other.getNow())).isEqualTo("good");
        }
        channel.finishAndReleaseAll();
    }

    @Test
    void a_time_that_is_too_long_to_count_is_as_good_as_none() {
        Duration ages = Duration.ofSeconds(Long.MAX_VALUE);
        ImsgRequests requests = new ImsgRequests();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgLimits().silence(ages).stall(ages), requests);
        Future<ImsgMessage> reply = requests.request(message(1, 0, "?"), ages);
        channel.writeInbound(message(2, sentId(channel), "!"));
        assertThat(text(reply.getNow())).isEqualTo("!");
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.checkException();
        assertThat(channel.isOpen()).isTrue();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_silent_peer_is_told_once_and_its_channel_closed() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgLimits().silence(SECOND), last);
        channel.freezeTime();
        channel.writeInbound(message(1, 0, "alive"));
        text(channel.readInbound());
        channel.advanceTimeBy(3, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
        assertThat(causes).hasSize(1).first().isInstanceOf(PeerLimitException.class);
        assertThat(causes.getFirst()).hasMessage("the peer sent nothing for 1000 ms");
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    /** As a proxy does whose other side is slow: the peer may have sent much. */
    @Test
    void the_silence_of_a_peer_that_nobody_listens_to_is_not_counted() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgLimits().silence(SECOND), last);
        channel.freezeTime();
        channel.config().setAutoRead(false);
        for (int i = 0; i < 5; i++) {
            channel.advanceTimeBy(900, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
        }
        assertThat(causes).isEmpty();
        assertThat(channel.isOpen()).isTrue();
        channel.config().setAutoRead(true);
        channel.advanceTimeBy(999, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(causes).as("not before a second of listening is over").isEmpty();
        channel.config().setAutoRead(false);
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        channel.read();
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(causes).singleElement().isInstanceOf(PeerLimitException.class);
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_peer_that_does_not_read_is_told_once_and_one_that_catches_up_is_not() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgLimits().stall(SECOND), last);
        channel.freezeTime();
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(10, 20));
        channel.write(bytes(30));
        channel.advanceTimeBy(900, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        channel.flush();
        channel.advanceTimeBy(900, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
        assertThat(causes).isEmpty();
        channel.write(bytes(30));
        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertThat(causes).hasSize(1);
        assertThat(causes.getFirst()).hasMessage("the peer took too little for 1000 ms");
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    private static ByteBuf bytes(int count) {
        return Unpooled.buffer(count).writeZero(count);
    }
}
