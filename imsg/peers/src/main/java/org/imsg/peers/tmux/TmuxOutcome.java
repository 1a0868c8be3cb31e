package org.imsg.peers.tmux;

import java.nio.charset.StandardCharsets;

/**
 * How a tmux command ended.
 *
 * @param code its exit code
 * @param output what it wrote to the standard output
 * @param errors what it wrote to the standard error, and what tmux says about its end
 */
public record TmuxOutcome(int code, byte[] output, String errors) {
    /**
     * The output as text.
     *
     * @return what was written, as UTF-8
     */
    public String text() {
        return new String(output, StandardCharsets.UTF_8);
    }
}
