package org.imsg.peers.tmux;

import java.util.List;

/** What a tmux server does, for {@link TmuxDaemon}; asked by several clients at once. */
@FunctionalInterface
public interface TmuxService {
    /**
     * Runs a command.
     *
     * @param command the command and its arguments
     * @return what the client is to print, and its exit code
     */
    TmuxOutcome run(List<String> command);
}
