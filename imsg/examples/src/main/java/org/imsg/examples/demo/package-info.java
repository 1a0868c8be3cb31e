/**
 * What {@code mvn -q -Pdemo verify} runs: a Java process and C programs exchange messages and descriptors, and print what goes
 * over the wire. Uses only the public API of {@code org.imsg}, and is meant to be read.
 */
package org.imsg.examples.demo;
