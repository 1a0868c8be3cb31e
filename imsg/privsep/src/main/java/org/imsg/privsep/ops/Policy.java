package org.imsg.privsep.ops;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.privsep.ops.Operation.Request;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeDrop;

/**
 * The rules by which a monitor serves its children; a request that no rule allows is refused. Immutable.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "policy"}
 *
 * <p>Each line of a file is a rule. Words are separated by blanks; a word with blanks, a quote, a backslash or a # stands in
 * double quotes, in which a backslash takes away the meaning of the character behind it; # begins a comment. A * or ... in quotes
 * stands for itself. A path that ends with a slash means everything beneath that directory, any other path that file. Ids are
 * numbers, names, or ranges of numbers.
 *
 * <p>A line {@code user UID[:GID]} says which user the child becomes, and {@code chroot DIRECTORY} which root it gets: see
 * {@link #drop()}. Every other line allows an operation; the methods of {@link Privileged} say which line allows each of them.
 *
 * <p>The directory that a rule names is trusted: links on the way to it are followed, and only the administrator should be able
 * to write to the directories above it. Beneath it no symbolic link is followed. Hard links are counted when the file has been
 * opened. A user who may write beneath the directory can link a file of another place there; when that file is then removed from
 * its own place before the child asks for it, it has one link again and is opened. Where there are such users, {@code owner}
 * says whose files are meant, and Linux lets no user link a file that it neither owns nor may write (fs.protected_hardlinks).
 */
public final class Policy {
    private final List<Line> lines;
    private final Optional<Ids> ids;
    private final Optional<Path> chroot;

    /** A line that allows an operation. */
    record Line(Operation<?, ?> operation, String origin, Operation.Rule<?> rule) {
        /** The request is one that the same operation has read. */
        @SuppressWarnings("unchecked")
        private Verdict verdict(Request request) {
            return operation.number() == request.number()
                    ? ((Operation.Rule<Request>) rule).verdict(request)
                    : Verdict.NOT_CONCERNED;
        }
    }

    private Policy(List<Line> lines, Optional<Ids> ids, Optional<Path> chroot) {
        this.lines = List.copyOf(lines);
        this.ids = ids;
        this.chroot = chroot;
    }

    /**
     * Reads a policy file.
     *
     * @param file the file, in UTF-8
     * @return the policy
     * @throws IOException if it cannot be read
     * @throws PolicyException if there are faults in it
     */
    public static Policy read(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String bytes : Files.readAllLines(file, ISO_8859_1))
            try {
                lines.add(UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes.getBytes(ISO_8859_1))).toString());
            } catch (CharacterCodingException _) {
                throw new PolicyException(List.of(file + ":" + (lines.size() + 1) + ": expected UTF-8"));
            }
        return read(file.toString(), lines);
    }

    /**
     * Reads a policy from text.
     *
     * @param lines its lines, as in a file
     * @return the policy
     * @throws PolicyException if there are faults in it; the file's name in its message is {@code policy}
     */
    public static Policy of(String... lines) {
        return read("policy", Stream.of(lines).flatMap(String::lines).toList());
    }

    /**
     * Quotes a word of a line, such as a path, where it needs that.
     *
     * @param word the word
     * @return the word as it stands in a line
     */
    public static String quoted(Object word) {
        return PolicyLine.quoted(word.toString());
    }

    private static Policy read(String source, List<String> text) {
        List<Line> lines = new ArrayList<>();
        Optional<Ids> ids = Optional.empty();
        Optional<Path> chroot = Optional.empty();
        List<String> faults = new ArrayList<>();
        for (int i = 0; i < text.size(); i++) {
            String place = source + ":" + (i + 1) + ": ";
            try {
                PolicyLine line = PolicyLine.of(text.get(i));
                if (!line.hasNext())
                    continue;
                String word = line.next("a rule");
                switch (word) {
                    case "user" -> {
                        if (ids.isPresent())
                            throw new IllegalArgumentException("expected one line that says user");
                        ids = Optional.of(ids(line.next("UID or UID:GID")));
                    }
                    case "chroot" -> {
                        if (chroot.isPresent())
                            throw new IllegalArgumentException("expected one line that says chroot");
                        chroot = Optional.of(line.file("a directory"));
                    }
                    default -> {
                        Operation<?, ?> operation = Operations.of(word);
                        lines.add(new Line(operation, place + text.get(i).strip(), operation.line().apply(line)));
                    }
                }
                line.end();
            } catch (IllegalArgumentException e) {
                faults.add(place + e.getMessage());
            }
        }
        if (!faults.isEmpty())
            throw new PolicyException(faults);
        return new Policy(lines, ids, chroot);
    }

    private static Ids ids(String text) {
        int colon = text.indexOf(':');
        long user = PolicyLine.readUsers(colon < 0 ? text : text.substring(0, colon)).one();
        return Ids.of(user, colon < 0 ? user : PolicyLine.readGroups(text.substring(colon + 1)).one());
    }

    /**
     * Returns the user that the child becomes.
     *
     * @return the user and its group, without others, or empty if the policy does not say
     */
    public Optional<Ids> ids() {
        return ids;
    }

    /**
     * Describes the first step of a child that was started as root: {@code policy.drop().perform()} makes it the policy's user
     * in the policy's root. A role of a {@code Privsep} program that has the policy takes this step by itself.
     *
     * @return the drop, with the usual preload
     * @throws IllegalStateException if the policy names no user
     */
    public PrivilegeDrop drop() {
        PrivilegeDrop drop = PrivilegeDrop
                .to(ids.orElseThrow(() -> new IllegalStateException("the policy has no line that begins with user")));
        return chroot.map(drop::chroot).orElse(drop);
    }

    /**
     * Returns the child's root.
     *
     * @return the directory, or empty if the policy does not say
     */
    public Optional<Path> chroot() {
        return chroot;
    }

    /** Finds the first rule that allows a request. */
    Line allowing(Request request) throws RefusedException {
        for (String path : request.paths()) {
            Optional<String> fault = PolicyPath.fault(path);
            if (fault.isPresent())
                throw new RefusedException("", fault.get() + ", asked was to " + request);
        }
        Line nearest = null;
        String objection = "";
        for (Line line : lines) {
            Verdict verdict = line.verdict(request);
            if (verdict.kind() == Verdict.Kind.ALLOWED)
                return line;
            if (verdict.kind() == Verdict.Kind.OBJECTED && nearest == null) {
                nearest = line;
                objection = verdict.objection();
            }
        }
        if (nearest == null)
            throw new RefusedException("", "no rule allows to " + request);
        throw new RefusedException(nearest.origin(), "the rule " + objection + ", asked was to " + request);
    }

    @Override
    public String toString() {
        return lines.stream().map(Line::origin).collect(Collectors.joining("\n"));
    }
}
