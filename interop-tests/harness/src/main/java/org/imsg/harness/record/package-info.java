/**
 * What passed over a socket, event by event: framing bytes that somebody else received, recording them to a file (text or
 * pcapng) and reading it, replaying it. Uses {@code org.imsg.harness.stream} and {@code org.imsg}.
 */
package org.imsg.harness.record;
