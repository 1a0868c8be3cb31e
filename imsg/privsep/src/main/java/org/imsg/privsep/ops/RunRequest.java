package org.imsg.privsep.ops;

/** A program that a child has asked for: it may be killed before it has been started. */
final class RunRequest {
    private Programs.Running program;
    private int signal;

    synchronized void started(Programs.Running running) {
        program = running;
        if (signal != 0)
            program.kill(signal);
    }

    synchronized void kill(int number) {
        if (program == null)
            signal = number;
        else
            program.kill(number);
    }
}
