/**
 * A proxy between a client and a daemon that changes nothing and sees everything. Uses {@code org.imsg.harness.stream} and
 * {@code org.imsg.harness.record}.
 */
package org.imsg.harness.tap;
