package org.imsg.bench.soak;

import java.time.Duration;
import java.util.Locale;

/** How much the clients do in a cycle, at most: the seed says how much it is. */
enum Load {
    /** For some seconds. */
    SHORT(1, 20, 10, 6, 1, 100, Duration.ofMillis(300), Duration.ofMillis(200), Duration.ofSeconds(4)),
    /** For hours. */
    LONG(5, 150, 200, 40, 5, 5000, Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofSeconds(45));

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
    /** How long a silence is waited for. Carriers of virtual threads end after half a minute. */
    final Duration patience;

    Load(int rounds, int connections, int questions, int deaths, int sessions, int networks, Duration idle,
            Duration still, Duration patience) {
        this.rounds = rounds;
        this.connections = connections;
        this.questions = questions;
        this.deaths = deaths;
        this.sessions = sessions;
        this.networks = networks;
        this.idle = idle;
        this.still = still;
        this.patience = patience;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT,
                "%d rounds; at most %d connections at once to each server, %d questions on one, %d clients that die, %d sessions on demand, %d networks",
                rounds, connections, questions, deaths, sessions, networks);
    }
}
