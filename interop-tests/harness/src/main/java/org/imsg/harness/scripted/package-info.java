/**
 * Peers that follow a script: they expect and answer, split, delay and misbehave, as client, server or parent. Uses
 * {@code org.imsg.harness.record} and {@code org.imsg.harness.describe}.
 */
package org.imsg.harness.scripted;
