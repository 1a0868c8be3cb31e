package org.imsg.harness.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.Charset;

/** A standard output. A PrintWriter forgets failures; here they are thrown as UncheckedIOException. */
final class CheckedOutput extends PrintWriter {
    private final boolean process;

    /** That of this process. */
    CheckedOutput() {
        this(new FileOutputStream(FileDescriptor.out), true);
    }

    /** Another. */
    CheckedOutput(OutputStream out) {
        this(out, false);
    }

    private CheckedOutput(OutputStream out, boolean process) {
        super(new Unbuffered(
                new OutputStreamWriter(out, Charset.forName(System.getProperty("stdout.encoding", "UTF-8")))));
        this.process = process;
    }

    /** Whether it is that of this process, descriptor 1. */
    boolean isOfProcess() {
        return process;
    }

    /** Passes everything on, and failures past the PrintWriter. */
    private static final class Unbuffered extends Writer {
        private final Writer out;

        Unbuffered(Writer out) {
            this.out = out;
        }

        private static UncheckedIOException failed(IOException e) {
            return new UncheckedIOException(
                    new IOException("the standard output cannot be written: " + e.getMessage(), e));
        }

        @Override
        public void write(char[] text, int from, int length) {
            try {
                out.write(text, from, length);
            } catch (IOException e) {
                throw failed(e);
            }
        }

        @Override
        public void flush() {
            try {
                out.flush();
            } catch (IOException e) {
                throw failed(e);
            }
        }

        @Override
        public void close() {
            flush();
        }
    }
}
