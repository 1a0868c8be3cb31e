package org.imsg.harness.scripted;

import java.io.IOException;
import java.time.Duration;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;

/**
 * A daemon's answers as text: a rule for each type, for a payload, for the second of its kind, for the beginning of a connection.
 * Immutable; one responder may serve several clients at once. An example:
 *
 * <pre>
 * on SHOW_STATUS
 *     send SHOW_STATUS struct=ctl_show_status synced=1 stratum=2
 * on 35 count=2-
 *     send 2 data="too many"
 * on 35
 *     send 1 fd=/etc/hosts
 * on *
 *     echo
 * </pre>
 *
 * The grammar is {@link org.imsg.harness.describe.Grammar#SCRIPT}; {@code imsg help script} shows it.
 */
public final class Responder {
    private final Script script;

    private Responder(Script script) {
        this.script = script;
    }

    /** Sends every message back. */
    public static final Responder ECHO = parse("on *\necho", ProtocolDescription.NONE);
    /** Says nothing. */
    public static final Responder SILENT = parse("", ProtocolDescription.NONE);

    /**
     * Reads rules.
     *
     * @param text the rules, a line each
     * @param protocol names of types, and structs
     * @return the responder
     * @throws IllegalArgumentException if a line is wrong; the message has its number
     */
    public static Responder parse(String text, ProtocolDescription protocol) {
        return new Responder(new Script(text, protocol, Direction.TO_CLIENT, false));
    }

    /**
     * Answers a client until it leaves, or a rule closes the connection.
     *
     * @param client the connection; not closed here
     * @param patience how long the client may be silent
     * @throws ScriptFailedException if a rule expects something else than what comes
     * @throws IOException if nothing comes in time, or an answer cannot be sent
     * @throws InterruptedException if the thread is interrupted
     */
    public void serve(Conversation client, Duration patience) throws IOException, InterruptedException {
        script.serve(client, patience);
    }
}
