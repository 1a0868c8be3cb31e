package org.imsg.harness.scripted;

import java.io.IOException;
import java.time.Duration;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;

/**
 * One side of a conversation as text: steps that are done one after the other, and rules for what comes meanwhile. Immutable. An
 * example, which asks bgpd for its neighbors and lets all of them pass:
 *
 * <pre>
 * on 13
 * send 13
 * expect 1 within=2s
 * </pre>
 *
 * The grammar is {@link org.imsg.harness.describe.Grammar#SCRIPT}; {@code imsg help script} shows it.
 */
public final class Talk {
    private final Script script;

    private Talk(Script script) {
        this.script = script;
    }

    /**
     * Reads steps and rules.
     *
     * @param text the lines
     * @param protocol names of types, and structs
     * @param sending which way this side sends: TO_SERVER for a client, TO_CLIENT for the parent of a program
     * @return the conversation
     * @throws IllegalArgumentException if a line is wrong; the message has its number
     */
    public static Talk parse(String text, ProtocolDescription protocol, Direction sending) {
        return new Talk(new Script(text, protocol, sending, true));
    }

    /**
     * Does the steps. Without any, answers by the rules until the peer leaves.
     *
     * @param peer the connection; not closed here
     * @param patience how long an expected message may take, unless its step says
     * @throws ScriptFailedException if something else comes than a step expects, and its line is in the message; or if
     *     the peer neither says anything nor leaves where rules answer it
     * @throws IOException if something cannot be sent, or a file cannot be opened
     * @throws InterruptedException if the thread is interrupted
     */
    public void with(Conversation peer, Duration patience) throws IOException, InterruptedException {
        script.talk(peer, patience);
    }
}
