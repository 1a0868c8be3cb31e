package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.imsg.sys.Constants;
import org.imsg.sys.NativeString;
import org.imsg.unix.ErrnoException;

/**
 * {@link Exec} as a command, with the letters of chpst(8) where it has them:
 * {@code java ... org.imsg.privsep.rights.ExecMain [OPTION...] [--] PROGRAM [ARGUMENT...]}.
 *
 * <ul>
 * <li>{@code -u USER}: the ids of that user, with all of its groups; or {@code -u UID:GID[:GROUP...]}, numbers, no other groups
 * <li>{@code -U}: the ids in the variables UID, GID and GIDLIST, as envuidgid(8) sets them
 * <li>{@code -/ DIRECTORY}: the root, and the working directory then
 * <li>{@code -n NUMBER}: the change of niceness
 * <li>{@code -l FILE}, {@code -L FILE}: lock the file; wait for it, or fail at once
 * <li>{@code -r RESOURCE=LIMIT}: a limit, for each {@link Resource}, such as {@code nofile=256} or {@code fsize=2G}
 * <li>{@code -p PROMISE,...}: promises, such as {@code stdio,rpath}; without {@code exec} the program runs no other
 * <li>{@code -k NUMBER,...}: descriptors to leave open
 * </ul>
 *
 * <p>A failure is one line on standard error. The exit code is 100 for a command line that makes no sense, 111 for a step that failed,
 * 127 for a program that is not there and 126 for one that cannot be executed; else it is the program's.
 */
public final class ExecMain {
    private static final int USAGE = 100;
    private static final int FAILURE = 111;
    private static final int CANNOT_EXECUTE = 126;
    private static final int NOT_FOUND = 127;

    private ExecMain() {}

    /**
     * Becomes the program, or ends the process with an exit code.
     *
     * @param arguments the command line
     */
    public static void main(String... arguments) {
        int code = FAILURE;
        String why;
        try {
            parse(words(arguments)).perform();
            throw new AssertionError("the process goes on");
        } catch (ErrnoException e) {
            code = e.number() == Constants.ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
            why = e.getMessage();
        } catch (IllegalArgumentException e) {
            code = USAGE;
            why = e.getMessage();
        } catch (IOException | RuntimeException | Error e) {
            why = e instanceof IOException ? e.getMessage() : e.toString();
        }
        System.err.println("exec: " + String.valueOf(why).replaceAll("\\p{Cntrl}", "?"));
        System.err.flush();
        Runtime.getRuntime().halt(code);
    }

    /** The command line byte by byte, if it is this process's: of words that are no text in the locale the JVM keeps no bytes. */
    private static List<byte[]> words(String... line) {
        List<byte[]> all = commandLine();
        List<byte[]> words = all.subList(Math.max(0, all.size() - line.length), all.size());
        boolean same = words.size() == line.length
                && IntStream.range(0, line.length).allMatch(i -> NativeString.isText(line[i], words.get(i)));
        return same ? words : Stream.of(line).map(NativeString::bytes).toList();
    }

    /** Empty where there is no /proc. */
    private static List<byte[]> commandLine() {
        try {
            return Exec.words(Path.of("/proc/self/cmdline"));
        } catch (IOException _) {
            return List.of();
        }
    }

    static Exec parse(List<byte[]> line) throws PrivilegeException {
        Deque<byte[]> words = new ArrayDeque<>(line);
        Confinement rights = Confinement.none();
        Path lock = null;
        boolean waits = false;
        int[] kept = {};
        while (!words.isEmpty() && text(words.peek()).startsWith("-")) {
            String option = text(words.pop());
            if (option.equals("--"))
                break;
            if (option.equals("-U")) {
                rights = rights.to(Ids.fromEnvironment());
                continue;
            }
            byte[] word = next(words, "a value for " + option);
            String value = text(word);
            switch (option) {
                case "-u" -> rights = rights.to(ids(value));
                case "-/" -> rights = rights.chroot(NativeString.path(word));
                case "-n" -> rights = rights.nice(Math.toIntExact(number(value, "-?[0-9]{1,2}")));
                case "-l", "-L" -> {
                    lock = NativeString.path(word);
                    waits = option.equals("-l");
                }
                case "-r" -> rights = limited(rights, value);
                case "-p" -> rights = rights.promise(Stream.of(value.split(",", -1))
                        .map(each -> one(Promise.values(), each)).toArray(Promise[]::new));
                case "-k" -> kept = Stream.of(value.split(",", -1))
                        .mapToInt(each -> Math.toIntExact(number(each, "[0-9]{1,9}"))).toArray();
                default -> throw new IllegalArgumentException("expected -u, -U, -/, -n, -l, -L, -r, -p or -k, not "
                        + option);
            }
        }
        Path program = NativeString.path(next(words, "a program"));
        Exec exec = Exec.of(program, List.copyOf(words)).confined(rights).keep(kept);
        return lock == null ? exec : exec.lock(lock, waits);
    }

    private static byte[] next(Deque<byte[]> words, String expected) {
        if (words.isEmpty() || words.peek().length == 0)
            throw new IllegalArgumentException("expected " + expected);
        return words.pop();
    }

    private static String text(byte[] word) {
        return new String(word, StandardCharsets.UTF_8);
    }

    private static Ids ids(String text) throws PrivilegeException {
        if (!text.matches("[0-9:]+"))
            return Ids.ofUser(text);
        long[] numbers = Stream.of(text.split(":", -1)).mapToLong(each -> number(each, "[0-9]{1,10}")).toArray();
        if (numbers.length < 2)
            throw new IllegalArgumentException("expected a user's name, or UID:GID, not " + text);
        return Ids.of(numbers[0], numbers[1], LongStream.of(numbers).skip(2).toArray());
    }

    private static Confinement limited(Confinement rights, String text) {
        String[] sides = text.split("=", -1);
        if (sides.length != 2)
            throw new IllegalArgumentException("expected a limit such as nofile=256, not " + text);
        return rights.limit(one(Resource.values(), sides[0]), Resource.parse(sides[1]));
    }

    private static long number(String text, String form) {
        if (!text.matches(form))
            throw new IllegalArgumentException("expected a number, not " + text);
        return Long.parseLong(text);
    }

    private static <E extends Enum<E>> E one(E[] values, String word) {
        return Stream.of(values).filter(each -> each.name().toLowerCase(Locale.ROOT).equals(word)).findAny()
                .orElseThrow(() -> new IllegalArgumentException("expected one of "
                        + String.join(", ",
                                Stream.of(values).map(each -> each.name().toLowerCase(Locale.ROOT)).toList())
                        + ", not " + word));
    }
}
