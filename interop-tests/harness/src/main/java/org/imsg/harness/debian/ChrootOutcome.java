package org.imsg.harness.debian;

/**
 * How a program of a chroot ended.
 *
 * @param status its exit status; not to be relied on if a signal ended it
 * @param output its standard output
 * @param errors its standard error
 */
public record ChrootOutcome(int status, String output, String errors) {}
