/**
 * The Java side of a two-process benchmark: one end of a socket, doing what its standard input says. The counterpart of
 * c-reference/bench.c, loop for loop. Nothing here knows what is compared with what.
 */
package org.imsg.bench.worker;
