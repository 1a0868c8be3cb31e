package org.imsg.examples.clock;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * One packet to a time server, and what becomes of its answer: RFC 5905, as a client. In place of the time it sends a number that
 * cannot be guessed; the server returns it, and so shows that it has seen the question.
 */
record Question(long cookie, Instant sent) {
    static final int LENGTH = 48;
    /** With the fields that extensions add. */
    static final int LONGEST_ANSWER = 1024;

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final byte VERSION_4_CLIENT = 0x23;
    private static final int MODE_MASK = 7, SERVER = 4, UNSYNCHRONIZED = 3, HIGHEST_STRATUM = 15;
    private static final int STRATUM_AT = 1, ORIGIN_AT = 24, RECEIVED_AT = 32, SENT_AT = 40;
    /** From 1900 to 1970. */
    private static final long EPOCH = 2_208_988_800L;
    private static final long ERA_SECONDS = 1L << 32;
    private static final long NANOS = 1_000_000_000L;

    static Question now() {
        return new Question(RANDOM.nextLong(), Instant.now());
    }

    ByteBuffer packet() {
        return ByteBuffer.allocate(LENGTH).put(0, VERSION_4_CLIENT).putLong(SENT_AT, cookie);
    }

    /** How far the server's clock is ahead of this one's; empty if this is no answer to the question. */
    Optional<Duration> offset(ByteBuffer answer, Instant arrived) {
        if (answer.remaining() < LENGTH || (answer.get(0) & MODE_MASK) != SERVER
                || (answer.get(0) >> 6 & 3) == UNSYNCHRONIZED || answer.get(STRATUM_AT) < 1
                || answer.get(STRATUM_AT) > HIGHEST_STRATUM || answer.getLong(ORIGIN_AT) != cookie)
            return Optional.empty();
        Duration there = Duration.between(sent, time(answer.getLong(RECEIVED_AT), sent));
        Duration back = Duration.between(arrived, time(answer.getLong(SENT_AT), arrived));
        return Optional.of(there.plus(back).dividedBy(2));
    }

    /** A timestamp has 32 bits of seconds and 32 of their fraction; which era it is of, the nearest says. */
    private static Instant time(long timestamp, Instant near) {
        long seconds = (timestamp >>> 32) - EPOCH;
        long eras = Math.round((double) (near.getEpochSecond() - seconds) / ERA_SECONDS);
        return Instant.ofEpochSecond(seconds + eras * ERA_SECONDS, (timestamp & 0xFFFF_FFFFL) * NANOS >>> 32);
    }

    /** An instant as such a timestamp. */
    static long timestamp(Instant time) {
        return time.getEpochSecond() + EPOCH << 32 | ((long) time.getNano() << 32) / NANOS;
    }
}
