package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.junit.jupiter.api.Test;

/** What a child may send into the framework, and what becomes of it if it is something else. */
class ProtocolTest {
    private static Protocol.Record record(Ibuf payload) throws ViolationException {
        return Protocol.Record.of(Imsg.of(Protocol.LOG, 0, 0, payload));
    }

    @Test
    void a_log_record_arrives_as_it_was_sent() throws Exception {
        assertThat(Protocol.Record.of(Protocol.log(System.Logger.Level.ERROR, "a.logger", "ünïcode")))
                .isEqualTo(new Protocol.Record(System.Logger.Level.ERROR, "a.logger", "ünïcode"));
    }

    @Test
    void a_log_record_that_is_none_is_a_violation() {
        for (Ibuf payload : new Ibuf[]{Ibuf.open(6), Ibuf.open(6).addH16(1).addH16(1000).addH16(0),
                Ibuf.open(6).addH16(1).addH16(0).addH16(65535), Ibuf.open(3).addZero(3)})
            assertThatExceptionOfType(ViolationException.class).isThrownBy(() -> record(payload))
                    .withMessageContaining("cut short");
        assertThatExceptionOfType(ViolationException.class)
                .isThrownBy(() -> record(Ibuf.open(6).addH16(99).addH16(0).addH16(0)))
                .withMessage("a log record of level 99: 0 to 6");
    }

    @Test
    void the_longest_log_record_fits_into_a_message_and_says_that_it_was_cut() throws Exception {
        String text = "ä".repeat(100_000);
        Imsg message = Protocol.log(System.Logger.Level.INFO, "n".repeat(1000), text);
        assertThat(message.length()).isLessThanOrEqualTo(ImsgChannel.MAX_IMSGSIZE - ImsgChannel.HEADER_SIZE);
        Protocol.Record arrived = Protocol.Record.of(message);
        assertThat(arrived.text()).startsWith("äää").endsWith("... (200000 bytes)");
        assertThat(arrived.logger()).hasSizeLessThanOrEqualTo(128);
    }

    @Test
    void another_version_of_the_framework_is_refused_and_named() {
        assertThatExceptionOfType(ViolationException.class)
                .isThrownBy(() -> Protocol.checkReady(Imsg.of(Protocol.READY, 0, 0, Ibuf.open(4).addH32(2))))
                .withMessageContaining("version 2").withMessageContaining("version 1");
        assertThatExceptionOfType(ViolationException.class)
                .isThrownBy(() -> Protocol.checkReady(Imsg.of(Protocol.READY))).withMessageContaining("version -1");
    }

    @Test
    void reserved_types_are_compared_as_the_unsigned_numbers_they_are() {
        assertThat(Protocol.isReserved(Peer.FIRST_RESERVED_TYPE)).isTrue();
        assertThat(Protocol.isReserved(-1)).isTrue();
        assertThat(Protocol.isReserved(Peer.FIRST_RESERVED_TYPE - 1)).isFalse();
        assertThat(Protocol.isReserved(0x8000_0000)).isFalse();
        assertThat(Protocol.isReserved(1)).isFalse();
    }
}
