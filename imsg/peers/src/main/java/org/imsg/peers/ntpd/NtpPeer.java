package org.imsg.peers.ntpd;

/**
 * A time server.
 *
 * @param description its address, and the pool it is from
 * @param synced whether the clock follows it
 * @param weight in the choice of a server: 0 to 255
 * @param trust 0 to 255; from 7 on its time counts
 * @param stratum how far it is from a reference clock: 0 to 255
 * @param next when it is asked next, in seconds from now
 * @param poll how often it is asked, in seconds
 * @param offset of the clock from its time, in milliseconds
 * @param delay of its answers, in milliseconds
 * @param jitter of its answers, in milliseconds
 */
public record NtpPeer(String description, boolean synced, int weight, int trust, int stratum, long next, long poll,
        double offset, double delay, double jitter) {}
