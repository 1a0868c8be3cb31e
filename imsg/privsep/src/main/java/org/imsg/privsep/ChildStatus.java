package org.imsg.privsep;

import java.time.Duration;
import org.imsg.ImsgChannel;
import org.jspecify.annotations.Nullable;

/**
 * A process of a role at a moment, as the parent knows it.
 *
 * @param role its role
 * @param instance which of the role's processes, 0 or more
 * @param state as {@code imsg ctl status} shows it: {@code running}, {@code starting}, {@code ended} and so on
 * @param starts how many processes it has had so far
 * @param pid its process id, 0 if there is no process
 * @param age the time since the parent began to start it, 0 if there is no process
 * @param channel its channel, by the parent's end; null if there is no process
 * @param refusals how much of what it asked for its policy does not allow
 */
public record ChildStatus(String role, int instance, String state, long starts, int pid, Duration age,
        ImsgChannel.@Nullable Counters channel, long refusals) {}
