package org.imsg.peers.tmux;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.FlexibleArray;

/** The structs of tmux's messages, the same in all known versions. */
final class TmuxStructs {
    static final CStruct<Number> NUMBER = struct(Number.class);
    static final CStruct<LongFlags> LONG_FLAGS = struct(LongFlags.class);
    static final CStruct<Command> COMMAND = struct(Command.class);
    static final CStruct<Exit> EXIT = struct(Exit.class);
    static final CStruct<ReadOpen> READ_OPEN = struct(ReadOpen.class);
    static final CStruct<WriteOpen> WRITE_OPEN = struct(WriteOpen.class);
    static final CStruct<StreamData> STREAM_DATA = struct(StreamData.class);
    static final CStruct<StreamError> STREAM_ERROR = struct(StreamError.class);

    private TmuxStructs() {}

    record Number(@CInt int value) {}

    record LongFlags(long flags) {}

    /** @param argv each argument with its NUL */
    record Command(@CInt int argc, @FlexibleArray byte[] argv) {
        static Command of(String... arguments) {
            return new Command(arguments.length, string(String.join("\0", arguments)));
        }

        List<String> arguments() {
            List<String> arguments = Arrays.asList(new String(argv, StandardCharsets.UTF_8).split("\0", -1));
            return List.copyOf(arguments.subList(0, Math.min(argc, arguments.size())));
        }
    }

    /** @param message with its NUL, or nothing */
    record Exit(@CInt int code, @FlexibleArray byte[] message) {}

    /** @param fd 0 for the client's standard input, -1 for the file of that path */
    record ReadOpen(@CInt int stream, @CInt int fd, @FlexibleArray String path) {}

    /** @param fd 1 or 2 for the client's own outputs, -1 for the file of that path */
    record WriteOpen(@CInt int stream, @CInt int fd, @CInt int flags, @FlexibleArray String path) {}

    record StreamData(@CInt int stream, @FlexibleArray byte[] data) {}

    /** @param error an errno, 0 for none */
    record StreamError(@CInt int stream, @CInt int error) {}

    static byte[] string(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }
}
