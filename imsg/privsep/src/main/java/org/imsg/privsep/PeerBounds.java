package org.imsg.privsep;

/**
 * What one process can make grow in another of the same program that it speaks with: the parent, or a child it is connected to.
 * Past a bound on queues the message is dropped and, in the parent, the child is dealt with as {@link OnViolation} says. Past the
 * bound on the log the process is slowed to a thousand messages a second, its records are dropped and counted, and one line says
 * how many.
 *
 * @param records log records a second, printed lines included, 1 to 1000000. A record counts once for every
 *     {@value #RECORD_LENGTH} characters it takes in the log
 * @param recordsAtOnce log records at once, after a pause, 1 to 1000000
 * @param recordLength characters of one log record or printed line, 100 to 100000; longer ones are cut
 * @param queuedBytes bytes queued for it while it does not read, 16384 to 2^30. A queued message counts its payload
 *     and {@value #MESSAGE_OVERHEAD} bytes more
 * @param queuedDescriptors descriptors queued for it while it does not read, 1 to 1000000
 */
public record PeerBounds(int records, int recordsAtOnce, int recordLength, int queuedBytes, int queuedDescriptors) {
    /** Characters that count as one log record. */
    public static final int RECORD_LENGTH = 256;
    /** What a queued message takes beside its payload, in bytes. */
    public static final int MESSAGE_OVERHEAD = 128;
    /** 100 records a second after 1000 at once, of 8000 characters; 4 MiB and 64 descriptors queued. */
    public static final PeerBounds USUAL = new PeerBounds(100, 1000, 8000, 4 << 20, 64);

    private static final int MOST = 1_000_000;

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a number is out of range; the message has it
     */
    public PeerBounds {
        check("log records a second", records, 1, MOST);
        check("log records at once", recordsAtOnce, 1, MOST);
        check("characters of a log record", recordLength, 100, 100_000);
        check("queued bytes", queuedBytes, 16_384, 1 << 30);
        check("queued descriptors", queuedDescriptors, 1, MOST);
    }

    /** With the log records of one of several peers, which together leave three quarters of these for others. */
    PeerBounds ofOneAmong(int peers) {
        int part = 4 * Math.max(1, peers);
        return new PeerBounds(Math.max(1, records / part), Math.max(1, recordsAtOnce / part), recordLength, queuedBytes,
                queuedDescriptors);
    }

    private static void check(String what, int value, int least, int most) {
        if (value < least || value > most)
            throw new IllegalArgumentException(what + " are " + least + " to " + most + ", not " + value);
    }
}
