package org.imsg.bench.soak;

import java.time.Duration;
import java.util.Locale;

/** How much the clients do in a cycle, at most: the seed says how much it is. */
enum Load {
    /** For some seconds. */
    SHORT(1, 20, 10, 6, 1, 100, Duration.ofMillis(300), Duration.ofSeconds(1)),
    /** For hours. */
    LONG(5, 150, 200, 40, 5, 5000, Duration.ofSeconds(2), Duration.ofSeconds(2));

    final int rounds;
    final int connections;
    final int questions;
    final int deaths;
    final int sessions;
    final int networks;
    /** How long a process on demand is kept without a request. */
    final Duration idle;
    /** How long nothing changes in a silence. */
    final Duration still;

    Load(int rounds, int connections, int questions, int deaths, int sessions, int networks, Duration idle,
            Duration still) {
        this.rounds = rounds;
        this.connections = connections;
        this.questions = questions;
        this.deaths = deaths;
        this.sessions = sessions;
        this.networks = networks;
        this.idle = idle;
        this.still = still;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "%d rounds; at most %d connections at once to each server, %d questions on one, %d clients that die, %d sessions on demand, %d networks",
                rounds, connections, questions, deaths, sessions, networks);
    }
}
