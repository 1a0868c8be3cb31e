/**
 * The side-by-side pass: starts pairs of processes that send to each other, ours and others', measures them in turns, and
 * compares. What it measures is in {@link org.imsg.bench.Plan}, what it says in {@link org.imsg.bench.report}.
 */
package org.imsg.bench;
