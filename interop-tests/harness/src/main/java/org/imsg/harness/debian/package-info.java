/**
 * Real C peers out of Debian's packages: a chroot for each suite, daemons that run inside it in namespaces of their
 * own, and the libraries of FRR. Uses the JDK and the programs of a Debian host; knows no message of ours.
 */
package org.imsg.harness.debian;
