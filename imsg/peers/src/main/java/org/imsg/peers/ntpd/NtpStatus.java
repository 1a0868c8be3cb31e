package org.imsg.peers.ntpd;

/**
 * What ntpd thinks of the time.
 *
 * @param peers how many servers it asks
 * @param validPeers how many of them give a good time
 * @param sensors how many sensors it reads
 * @param validSensors how many of them give a good time
 * @param synced whether the clock is right
 * @param stratum how far it is from a reference clock: 0 to 255
 * @param offset of the clock in milliseconds
 * @param constraintMedian what HTTPS servers say the time is, in seconds of the epoch; 0 if none was asked
 * @param constraintLast when they were asked last, in seconds of ntpd's own clock
 * @param constraintErrors how many of them failed
 */
public record NtpStatus(long peers, long validPeers, long sensors, long validSensors, boolean synced, int stratum,
        double offset, long constraintMedian, long constraintLast, long constraintErrors) {}
