package org.imsg.harness.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/** For tests that run the program imsg in this JVM, and look at its exit code and at what it has printed so far. */
abstract class ImsgProgram {
    final StringWriter out = new StringWriter();
    final StringWriter err = new StringWriter();

    int imsg(Object... arguments) {
        String[] words = Arrays.stream(arguments).map(Object::toString).toArray(String[]::new);
        return ImsgCommand.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true))
                .execute(words);
    }
}
