package org.imsg.privsep;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.unix.Child;

/** A program that is run at the end of each process of a role. */
record FinishProgram(Path program, List<String> arguments) {
    private static final int SIGKILL = 9;

    /** Runs it to its end, or kills it when this thread is interrupted, for its time is over then. */
    void run(Finish finish) throws IOException, InterruptedException {
        Child.Builder builder = Child.of(program, Stream.concat(arguments.stream(), Stream.of(finish.role(),
                "" + finish.instance(), "" + finish.pid(), "" + finish.how().code(), "" + finish.how().signal()))
                .toArray(String[]::new)).ownSession();
        if (System.getenv("PATH") != null)
            builder.environment("PATH", System.getenv("PATH"));
        if (Thread.interrupted())
            throw new InterruptedException("no time was left for " + program);
        Child child = builder.start();
        try {
            Child.ExitStatus how = child.waitFor();
            if (!how.success())
                throw new IOException(program + (how.signal() == 0
                        ? " has exit code " + how.code()
                        : " was ended by signal " + how.signal()));
        } catch (InterruptedException e) {
            // It leads a process group, which has all that it started but what left the group by itself.
            child.killGroup(SIGKILL);
            throw e;
        }
    }
}
