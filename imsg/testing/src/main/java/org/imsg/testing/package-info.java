/**
 * What the tests of every module share: a check that no test leaves descriptors, children or mounts behind, and a list
 * of the skipped tests at the end of a run. JUnit finds both by itself. Uses the JDK and JUnit, nothing of ours.
 */
package org.imsg.testing;
