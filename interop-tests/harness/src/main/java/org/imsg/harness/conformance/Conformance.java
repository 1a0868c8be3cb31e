package org.imsg.harness.conformance;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.imsg.harness.conformance.Report.Outcome;
import org.imsg.harness.conformance.Report.Status;

/**
 * A suite of cases for a daemon's socket: framing, lengths, descriptors, ends and load. Every case is over connections of its own;
 * after each, a new client must be answered. The daemon is sent its own request, and messages of a type it does not know.
 */
public final class Conformance {
    private final Target target;
    private final Predicate<String> wanted;

    /**
     * All cases for a target.
     *
     * @param target the daemon
     */
    public Conformance(Target target) {
        this(target, _ -> true);
    }

    /**
     * Some cases for a target.
     *
     * @param target the daemon
     * @param wanted decides by a case's name
     */
    public Conformance(Target target, Predicate<String> wanted) {
        this.target = target;
        this.wanted = wanted;
    }

    private static List<Case> cases() {
        List<Case> cases = new ArrayList<>(FramingCases.all());
        cases.addAll(DescriptorCases.all());
        cases.addAll(ConnectionCases.all());
        return cases;
    }

    /** {@return the names of all cases, in their order} */
    public static List<String> names() {
        return cases().stream().map(Case::name).toList();
    }

    /**
     * Runs the cases, one after the other.
     *
     * @param progress is told each outcome at once
     * @return all outcomes
     * @throws IOException if the daemon cannot be connected to, or does not answer the request at all
     */
    public Report run(Consumer<Outcome> progress) throws IOException {
        CaseContext context = CaseContext.explore(target);
        List<Outcome> outcomes = new ArrayList<>();
        for (Case one : cases()) {
            if (!wanted.test(one.name()))
                continue;
            Outcome outcome = run(one, context);
            outcomes.add(outcome);
            progress.accept(outcome);
        }
        return new Report(target.socket().toString(), outcomes);
    }

    private static Outcome run(Case one, CaseContext context) {
        long start = System.nanoTime();
        Status status;
        String remark;
        try {
            remark = one.check().run(context);
            status = Status.PASSED;
        } catch (SkippedCase e) {
            remark = e.getMessage();
            status = Status.SKIPPED;
        } catch (CaseClient.Failed | IOException e) {
            remark = e.getMessage();
            status = Status.FAILED;
        }
        String after = aliveAfter(context);
        if (!after.isEmpty()) {
            remark = status == Status.FAILED ? remark + "; " + after : after;
            status = Status.FAILED;
        }
        return new Outcome(one.group(), one.name(), one.inC(), status, remark,
                Duration.ofNanos(System.nanoTime() - start));
    }

    /** The fault of a new client's connection; empty if there is none. */
    private static String aliveAfter(CaseContext context) {
        try (CaseClient client = context.connect()) {
            client.request();
            client.awaitAnswers(1);
            return "";
        } catch (IOException e) {
            return "afterwards no client can connect: " + e.getMessage();
        } catch (CaseClient.Failed e) {
            return "afterwards a new client is not served: " + e.getMessage();
        }
    }
}
