package org.imsg.interop.torture;

import java.nio.file.Path;

/** What a program does with this library while its calls fail. */
@FunctionalInterface
interface Scenario {
    /**
     * Does it once, from making to closing everything.
     *
     * @param directory empty, and left so
     * @param told takes what failed on other threads than the calling one
     * @throws Exception what failed; an {@code IOException}, if all is well
     */
    void run(Path directory, Told told) throws Exception;
}
