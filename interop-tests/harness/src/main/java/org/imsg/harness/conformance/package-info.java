/**
 * What a daemon's socket does with what no well-behaved client sends: a probe that finds out, and a suite that judges. Uses
 * {@code org.imsg.harness.stream} and {@code org.imsg.harness.record}.
 */
package org.imsg.harness.conformance;
