package org.imsg.bench.worker;

/** Counts arrivals since the last command; the sum, of ids and of each payload's first byte, shows that it was looked at. */
final class Tally {
    long messages;
    long descriptors;
    long sum;

    void clear() {
        messages = 0;
        descriptors = 0;
        sum = 0;
    }
}
