package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeDrop;

/**
 * What a monitor does for its child, and nothing else: what no rule allows is refused. Immutable.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "policy"}
 *
 * <p>In a file each line is a rule. Words are separated by blanks; a word with blanks, a quote, a backslash or a # stands in
 * double quotes, in which a backslash takes away the meaning of the character behind it; # begins a comment. A path that ends
 * with a slash means everything beneath that directory, any other path that file. Ids are numbers, names, or ranges of numbers.
 *
 * <table class="striped">
 * <caption>Lines</caption>
 * <thead><tr><th scope="col">line</th><th scope="col">meaning</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@code user UID[:GID]}</th><td>whom the child becomes: see {@link #drop}</td></tr>
 * <tr><th scope="row">{@code chroot DIRECTORY}</th><td>the child's root; likewise</td></tr>
 * <tr><th scope="row">{@code open ACCESS[,ACCESS] [links] [special] [owner=IDS] [mode=0666] PATH}</th><td>ACCESS is read, write,
 * append or create; the mode has the bits the child may ask for in a file it makes. Refused are directories, files with more than one hard link unless {@code links}, devices and pipes unless {@code special},
 * and files of others than the {@code owner}</td></tr>
 * <tr><th scope="row">{@code bind tcp|udp [reuse] [backlog=N] ADDRESS:PORT}</th><td>ADDRESS is *, an IPv4 address, an IPv6 address in
 * brackets, or a network with /BITS; PORT is *, one, or a range; the backlog is up to 128 unless set; {@code reuse} lets the
 * child ask for SO_REUSEADDR</td></tr>
 * <tr><th scope="row">{@code bind unix|unix-datagram [reuse] [backlog=N] [mode=0600] PATH}</th><td>{@code reuse} lets the child
 * ask to replace a socket that is there; the mode has the bits the child may ask for</td></tr>
 * <tr><th scope="row">{@code connect tcp|udp ADDRESS:PORT}</th><td>as above</td></tr>
 * <tr><th scope="row">{@code connect unix|unix-datagram PATH}</th><td></td></tr>
 * <tr><th scope="row">{@code run user=UID|users=FIRST-LAST [group=GID] [under=PATH] [own=IDS] [environment=NAME[=VALUE],...]
 * [time=SECONDS] PROGRAM [ARGUMENT...]}</th><td>with {@code users} each run has a uid to itself, while
 * with {@code user} runs may signal each other, and for the length of an exec the monitor that starts another; the group has the uid's number unless set; a * is
 * any one argument, ... at the end any number; {@code under} is where the working directory may be, / unless the child asks;
 * with {@code own} the tree there, which must belong to those users, is given to the run's user first;
 * the environment has the variables with values, and those named without if the child gives them; {@code time} is the longest</td></tr>
 * <tr><th scope="row">{@code chown from=IDS to=UIDS:GIDS PATH}</th><td>a tree whose files belong to {@code from}; it ends with an
 * error where something is mounted in it</td></tr>
 * <tr><th scope="row">{@code remove PATH}</th><td>a tree; likewise. Where there is no openat2(2), a mount of the same file system is
 * not noticed</td></tr>
 * <tr><th scope="row">{@code lookup KIND...}</th><td>user, group, service, rpc, ether, host, address, localtime</td></tr>
 * <tr><th scope="row">{@code clock [within=SECONDS]}</th><td>to set the clock, no further than that from what it shows; as often as the child
 * asks, so that many small steps go any way</td></tr>
 * </tbody>
 * </table>
 *
 * <p>The directory a rule names is trusted: links on the way to it are followed, and nobody but the administrator should be
 * able to write to the directories above it. Beneath it no symbolic link is followed. Hard links are counted when the file has
 * been opened: who may write beneath the directory can link a file of another place there, and if that file is removed from its own
 * place before the child asks for it, it has one link again and is opened. Where such people are about, {@code owner} says
 * whose files are meant, and Linux lets nobody link what they neither own nor may write (fs.protected_hardlinks).
 */
public final class Policy {
    private final List<Rule> rules;
    private final Optional<Ids> ids;
    private final Optional<Path> chroot;

    Policy(List<Rule> rules, Optional<Ids> ids, Optional<Path> chroot) {
        this.rules = List.copyOf(rules);
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
        return PolicyReader.read(file.toString(), Files.readAllLines(file));
    }

    /**
     * Reads a policy from text.
     *
     * @param lines its lines, as in a file
     * @return the policy
     * @throws PolicyException if there are faults in it; the file's name in its message is {@code policy}
     */
    public static Policy of(String... lines) {
        return PolicyReader.read("policy", Stream.of(lines).flatMap(String::lines).toList());
    }

    /**
     * Begins a policy in code.
     *
     * @return what to set the rules on
     */
    public static PolicyBuilder builder() {
        return new PolicyBuilder();
    }

    /**
     * Whom the child becomes.
     *
     * @return the user and its group, without others, or empty if the policy does not say
     */
    public Optional<Ids> ids() {
        return ids;
    }

    /**
     * What a child does first that was started as root: {@code policy.drop().perform()} makes it the policy's user in the
     * policy's root. A role of a {@code Privsep} program that has the policy does so by itself.
     *
     * @return the drop, with the usual preload
     * @throws IllegalStateException if the policy does not say who
     */
    public PrivilegeDrop drop() {
        PrivilegeDrop drop = PrivilegeDrop
                .to(ids.orElseThrow(() -> new IllegalStateException("the policy has no line that begins with user")));
        return chroot.map(drop::chroot).orElse(drop);
    }

    /**
     * The child's root.
     *
     * @return the directory, or empty if the policy does not say
     */
    public Optional<Path> chroot() {
        return chroot;
    }

    /** The first rule that allows the request. */
    Rule allowing(Request request) throws RefusedException {
        for (String path : request.paths()) {
            Optional<String> fault = Target.fault(path);
            if (fault.isPresent())
                throw new RefusedException("", fault.get() + ", asked was to " + request);
        }
        Rule nearest = null;
        String objection = "";
        for (Rule rule : rules) {
            Verdict verdict = rule.verdict(request);
            if (verdict.kind() == Verdict.Kind.ALLOWED)
                return rule;
            if (verdict.kind() == Verdict.Kind.OBJECTED && nearest == null) {
                nearest = rule;
                objection = verdict.objection();
            }
        }
        if (nearest == null)
            throw new RefusedException("", "no rule allows to " + request);
        throw new RefusedException(nearest.origin(), "the rule " + objection + ", asked was to " + request);
    }

    @Override
    public String toString() {
        return rules.stream().map(Rule::origin).collect(Collectors.joining("\n"));
    }
}
