package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** A comparison measured in turns, so that a disturbance hits all contenders alike. */
public sealed interface Measurement permits ConnectionProcess, ContenderGroup, RouteDump {
    /**
     * Its name.
     *
     * @return as it appears in results
     */
    String name();

    /**
     * What is sent.
     *
     * @return for people
     */
    String sent();

    /**
     * Where processes run.
     *
     * @return for people
     */
    String where();

    /**
     * Measures.
     *
     * @param effort how long
     * @param scratch an empty directory, left empty
     * @param progress is told what goes on
     * @return by contender; empty where this machine cannot do it, which {@code progress} was told
     * @throws IOException if a contender fails
     * @throws InterruptedException if interrupted
     */
    Map<String, Series> measure(Effort effort, Path scratch, Consumer<String> progress)
            throws IOException, InterruptedException;
}
