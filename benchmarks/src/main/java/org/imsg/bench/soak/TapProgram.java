package org.imsg.bench.soak;

import java.io.IOException;
import org.imsg.harness.cli.Launcher;

/** The program imsg with its command tap, and the soak's questions beside: {@code TapProgram tap LISTEN TARGET ...}. */
final class TapProgram {
    private TapProgram() {}

    public static void main(String... args) throws IOException, ReflectiveOperationException {
        Control.serve();
        Launcher.main(args);
    }
}
