/**
 * The program {@code imsg}: the harness for a shell. Uses everything else of the harness, and picocli.
 */
package org.imsg.harness.cli;
