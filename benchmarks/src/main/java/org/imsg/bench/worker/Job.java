package org.imsg.bench.worker;

import java.nio.file.Path;

/**
 * What a worker's command line says: the options of c-reference/bench.c, and three more.
 *
 * @param kind which {@link WorkerTransport}
 * @param role "send", "receive", "ping" or "pong"
 * @param socket the connected socket's descriptor, for what can be made of one
 * @param path where the socket is, for what cannot
 * @param size payload bytes of a message
 * @param every each how manyth message carries a descriptor; 0: none does
 * @param batch messages gathered before a write
 * @param batchBytes or bytes, whichever is reached first
 * @param connections how many a client makes to a path, each with one message there and back at a time; 0: one, one way
 * @param spinMicros how long a reader spins before it waits
 * @param samples the file for a ping's times, or null
 */
record Job(String kind, String role, int socket, Path path, int size, int every, int batch, int batchBytes,
        int connections, int spinMicros, Path samples) {

    static Job parse(String... args) {
        int socket = 3;
        Path path = null;
        int size = 64;
        int every = 0;
        int batch = 512;
        int batchBytes = 65536;
        int connections = 0;
        int spinMicros = 0;
        Path samples = null;
        int at = 1;
        for (; at + 1 < args.length && args[at].startsWith("-"); at += 2) {
            String value = args[at + 1];
            switch (args[at]) {
                case "-s" -> socket = Integer.parseInt(value);
                case "-a" -> path = Path.of(value);
                case "-z" -> size = Integer.parseInt(value);
                case "-d" -> every = Integer.parseInt(value);
                case "-b" -> batch = Integer.parseInt(value);
                case "-B" -> batchBytes = Integer.parseInt(value);
                case "-c" -> connections = Integer.parseInt(value);
                case "-u" -> spinMicros = Integer.parseInt(value);
                case "-p" -> samples = Path.of(value);
                default -> throw new IllegalArgumentException("no option " + args[at]);
            }
        }
        if (at != args.length - 1)
            throw new IllegalArgumentException("KIND [-OPTION VALUE]... ROLE expected");
        return new Job(args[0], args[at], socket, path, size, every, batch, batchBytes, connections, spinMicros,
                samples);
    }

    /** Whether this end makes the socket, where it is not inherited. */
    boolean listens() {
        return role.equals("receive") || role.equals("pong");
    }

    /** A payload as the C side sends it. */
    byte[] payload() {
        byte[] payload = new byte[size];
        java.util.Arrays.fill(payload, (byte) 1);
        return payload;
    }

    /** Messages with so many bytes around the payload that are gathered before a write. */
    int gathered(int overhead) {
        return Math.max(1, Math.min(batch, Math.ceilDiv(batchBytes, overhead + size)));
    }
}
