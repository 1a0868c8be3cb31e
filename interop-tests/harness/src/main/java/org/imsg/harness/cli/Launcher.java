package org.imsg.harness.cli;

/** Where {@code java -jar imsg.jar} begins: compiled for an older Java than the rest, to say what is needed. */
public final class Launcher {
    private static final int NEEDED = 25;

    private Launcher() {}

    /**
     * Runs the program, if this Java can.
     *
     * @param arguments the command line
     * @throws ReflectiveOperationException if the jar is not whole
     */
    public static void main(String[] arguments) throws ReflectiveOperationException {
        int running = Runtime.version().feature();
        if (running < NEEDED) {
            System.err.println("imsg: needs Java " + NEEDED + " or newer, this is Java " + running + " ("
                    + System.getProperty("java.home") + ")");
            System.exit(ExitCode.FAILED);
        }
        Class.forName("org.imsg.harness.cli.ImsgCommand").getMethod("main", String[].class).invoke(null,
                (Object) arguments);
    }
}
