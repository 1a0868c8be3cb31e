package org.imsg.bench;

/**
 * How long everything is measured, the same for all contenders.
 *
 * @param forks how often processes are started anew: a JIT compiler does not decide the same each time
 * @param windows measurements of each pair of processes
 * @param windowSeconds about how long each takes
 * @param warmUpSeconds how long a pair runs before
 */
public record Effort(int forks, int windows, double windowSeconds, double warmUpSeconds) {
    static final Effort SHORT = new Effort(3, 3, 0.3, 1.5);
    static final Effort FULL = new Effort(5, 7, 1, 5);

    /** One message at a time there and back is few messages: those need longer until all is compiled. */
    double warmUpSeconds(Load load) {
        return load.connections() > 0 ? 2 * warmUpSeconds : warmUpSeconds;
    }

    /** Windows of a contender in all. */
    int pairs() {
        return forks * windows;
    }

    @Override
    public String toString() {
        return forks + " times new processes, warmed up for " + warmUpSeconds
                + " s (twice that with connections), then " + windows + " windows of "
                + windowSeconds + " s in turns";
    }
}
