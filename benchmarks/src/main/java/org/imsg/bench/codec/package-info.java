/** JMH benchmarks of what one process does to messages: encoding, decoding, and a socket between two halves of one thread. */
package org.imsg.bench.codec;
