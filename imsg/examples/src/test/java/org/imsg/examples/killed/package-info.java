/** Tests that end processes of the examples at random moments; they use {@code imsg-testing} and the examples' main classes. */
package org.imsg.examples.killed;
