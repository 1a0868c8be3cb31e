package org.imsg.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.scripted.Responder;

/** A script is read, or refused with an {@code IllegalArgumentException}. */
class ScriptFuzzTest {
    private static final ProtocolDescription DESCRIPTION = ProtocolDescription
            .parse("struct ask {\n\tu32 id\n\tchar name[8]\n}\nmessage 1 ASK > ask\n");

    @FuzzTest
    void a_script_is_read_or_refused(byte[] text) {
        try {
            Responder.parse(new String(text, UTF_8), DESCRIPTION);
        } catch (IllegalArgumentException _) {
            // refused with the number of the line
        }
    }
}
