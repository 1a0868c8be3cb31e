/**
 * Names for what is in messages, from a struct description file, and events in a form for people or programs. Uses
 * {@code org.imsg.harness.record}.
 */
package org.imsg.harness.describe;
