/**
 * What several threads use at once, looked at in two ways. Lincheck runs a few operations in every order of their steps, as many as
 * it is given, and compares the results with those of one thread; it thinks of a memory without reordering. A
 * {@link org.imsg.concurrency.Duel} is run by two real threads very often. {@code mvn verify} does a little of both, the
 * profile {@code torture} all.
 */
package org.imsg.concurrency;
