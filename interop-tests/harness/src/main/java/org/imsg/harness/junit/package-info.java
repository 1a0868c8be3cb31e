/**
 * The harness for JUnit 5: an extension that gives tests what they talk with, and cleans up. Uses everything of the harness but its
 * command line, and JUnit, which the module needs for this package only.
 */
package org.imsg.harness.junit;
