/**
 * The events on a socket: framing bytes that were received elsewhere, recording them to a file (text or
 * pcapng) and reading it, replaying it. Uses {@code org.imsg.harness.stream} and {@code org.imsg}.
 */
package org.imsg.harness.record;
