/**
 * Privilege-separated programs to learn from, each of which a test runs as root and looks at from outside. What they share is
 * here, each program in a package below. They use the public API only.
 */
package org.imsg.examples;
