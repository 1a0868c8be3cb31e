package org.imsg.peers.ntpd;

/**
 * A time sensor: a radio clock or the like.
 *
 * @param description its name
 * @param synced whether the clock follows it
 * @param weight in the choice of a sensor: 0 to 255
 * @param good whether its time counts
 * @param stratum how far it is from a reference clock: 0 to 255
 * @param next when it is read next, in seconds from now
 * @param poll how often it is read, in seconds
 * @param offset of the clock from its time, in milliseconds
 * @param correction what is added to its time, in milliseconds
 */
public record NtpSensor(String description, boolean synced, int weight, boolean good, int stratum, long next,
        long poll, double offset, double correction) {}
