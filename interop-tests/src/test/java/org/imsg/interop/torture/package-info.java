/**
 * Every system call that this side makes fails in turn, at each of its times and in each plausible way, while a scenario runs.
 * {@code c-reference/fault-injector.c} makes them fail. Starts JVMs of its own, and prints what went wrong with what call.
 */
package org.imsg.interop.torture;
