package org.imsg.sys;

import jdk.jfr.FlightRecorder;

/**
 * Whether the flight recorder runs. Only then are classes of events used, so that they cost nothing otherwise, and are not
 * missed where the module jdk.jfr is absent.
 */
public final class Recorder {
    private static final boolean PRESENT = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

    private Recorder() {}

    /**
     * Whether the recorder was started in this process, with an option, by jcmd, or by a program.
     *
     * @return true from then on, also while nothing is recorded
     */
    public static boolean started() {
        return PRESENT && FlightRecorder.isInitialized();
    }
}
