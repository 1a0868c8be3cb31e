package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.imsg.harness.record.Event;

/** The answer to a request, as the first answers showed it: types and lengths that were the same must stay so. */
final class KnownAnswer {
    /** How a number in an answer's header follows from the request. */
    enum Origin {
        REQUEST, CONSTANT, PROCESS, NONE
    }

    /** A request, and the messages that came until the daemon was silent. */
    record Sample(int id, int pid, byte[] payload, List<Event> answer, boolean processesLive) {
        List<Integer> types() {
            return answer.stream().map(Event::type).toList();
        }

        List<String> shapes() {
            return answer.stream().map(KnownAnswer::shape).toList();
        }
    }

    private static final Path PROC = Path.of("/proc");

    private final List<Sample> samples;
    private final Sample first;
    private final boolean steady;
    private final Origin ids;
    private final Origin pids;
    private final boolean echo;
    private final Set<Integer> elsewhere;

    /** The samples are 1 or more, none is empty; messages of the types {@code elsewhere} come beside answers. */
    KnownAnswer(List<Sample> samples, Set<Integer> elsewhere) {
        this.samples = samples;
        this.first = samples.getFirst();
        this.elsewhere = new HashSet<>(elsewhere);
        this.elsewhere.removeAll(first.types());
        steady = samples.stream().allMatch(sample -> sample.shapes().equals(first.shapes()));
        ids = origin(Event::id, Sample::id, false);
        pids = origin(Event::pid, Sample::pid, samples.stream().allMatch(Sample::processesLive));
        echo = samples.stream().allMatch(sample -> sample.answer().size() == 1 && sample.payload().length > 0
                && Arrays.equals(sample.answer().getFirst().payload(), sample.payload()));
    }

    private Origin origin(Function<Event, Integer> number, Function<Sample, Integer> asked, boolean live) {
        if (samples.stream()
                .allMatch(sample -> sample.answer().stream().map(number).allMatch(asked.apply(sample)::equals)))
            return Origin.REQUEST;
        List<Integer> numbers = first.answer().stream().map(number).toList();
        if (!steady || samples.stream()
                .allMatch(sample -> sample.answer().stream().map(number).toList().equals(numbers)))
            return Origin.CONSTANT;
        return live ? Origin.PROCESS : Origin.NONE;
    }

    static String shape(Event message) {
        if (!message.isMessage())
            return message.bytes().length + " bytes that are no message";
        return "type " + Integer.toUnsignedString(message.type()) + " with " + message.payload().length + " bytes";
    }

    /** Whether the types and lengths were the same each time. */
    boolean isSteady() {
        return steady;
    }

    boolean isSingle() {
        return steady && first.answer().size() == 1;
    }

    boolean isEcho() {
        return echo;
    }

    /** Whether a message of each answer has the request's payload. */
    boolean givesBack() {
        return samples.stream().allMatch(sample -> sample.answer().stream()
                .anyMatch(message -> Arrays.equals(message.payload(), sample.payload())));
    }

    boolean echoesIds() {
        return ids == Origin.REQUEST && samples.stream().map(Sample::id).distinct().count() > 1;
    }

    int size() {
        return first.answer().size();
    }

    List<String> shapes() {
        return first.shapes();
    }

    /** Its length, with the headers. */
    int bytes() {
        return first.answer().stream().mapToInt(message -> message.bytes().length).sum();
    }

    int lastType() {
        return first.types().getLast();
    }

    int ofLastType() {
        return (int) first.types().stream().filter(type -> type == lastType()).count();
    }

    boolean isElsewhere(Event message) {
        return elsewhere.contains(message.type());
    }

    boolean hasType(Event message) {
        return first.types().contains(message.type());
    }

    /** Some low bits of a number, and not all of it. */
    private static boolean isCut(int seen, int whole) {
        return seen != whole && seen != 0
                && IntStream.of(0xFF, 0x7FFF, 0xFFFF).anyMatch(bits -> seen == (whole & bits));
    }

    /** Whether the daemon counts processes as this one does, and another's can be seen here. */
    private static boolean canSeeProcesses(int daemon) {
        Path namespace = Path.of("ns", "pid");
        try {
            return Files.exists(PROC.resolve("1")) && Files.readSymbolicLink(PROC.resolve("self").resolve(namespace))
                    .equals(Files.readSymbolicLink(PROC.resolve(String.valueOf(daemon)).resolve(namespace)));
        } catch (IOException _) {
            return false;
        }
    }

    /** The faults of the first answers themselves, at a daemon with a pid. */
    List<String> faults(List<Integer> wanted, int daemon) {
        List<String> faults = new ArrayList<>();
        if (!wanted.isEmpty() && !wanted.equals(first.types()))
            faults.add("the answer has the types " + first.types() + ", not " + wanted);
        for (Sample sample : samples)
            if (!new HashSet<>(sample.types()).equals(new HashSet<>(first.types())))
                faults.add("the same request is answered with the types " + first.types() + ", and then "
                        + sample.types());
        if (wanted.isEmpty() && first.answer().size() > 1 && first.answer().stream()
                .allMatch(message -> Arrays.equals(message.bytes(), first.answer().getFirst().bytes())))
            faults.add("one request is answered with the same message " + first.answer().size() + " times");
        if (ids == Origin.NONE)
            faults.add("the answer's peerid is not the request's, nor always the same");
        if (pids == Origin.NONE)
            faults.add("the answer's pid is not the request's, nor always the same, nor that of a process");
        if (samples.stream().allMatch(sample -> sample.answer().stream()
                .allMatch(message -> isCut(message.pid(), daemon) || isCut(message.pid(), sample.pid()))))
            faults.add("the answer's pid is only a part of the daemon's or the request's: "
                    + Integer.toUnsignedString(first.answer().getFirst().pid()));
        List<Integer> all = samples.stream().flatMap(sample -> sample.answer().stream()).map(Event::pid).toList();
        if (all.contains(0))
            faults.add("the answer's pid is 0, where imsg_compose puts that of the process");
        else if (pids == Origin.CONSTANT && canSeeProcesses(daemon)
                && samples.stream().noneMatch(Sample::processesLive))
            faults.add("the answer's pid is that of no process: " + Integer.toUnsignedString(all.getFirst()));
        if (samples.stream().flatMap(sample -> sample.answer().stream())
                .anyMatch(message -> message.marked() && message.descriptors().isEmpty()))
            faults.add("an answer is marked, and no descriptor comes with it");
        if (samples.stream().flatMap(sample -> sample.answer().stream())
                .anyMatch(message -> !message.marked() && !message.descriptors().isEmpty()))
            faults.add("a descriptor comes with an answer that is not marked");
        return faults;
    }

    /** The fault of a message in the place of the only one of an answer; empty if there is none. */
    String fault(Event message, int id, int pid, byte[] payload) {
        Event known = first.answer().getFirst();
        if (message.type() != known.type() || !echo && message.payload().length != known.payload().length)
            return shape(message) + " came where " + shape(known) + " belongs";
        if (echo && !Arrays.equals(message.payload(), payload))
            return "the answer's payload of " + message.payload().length + " bytes is not the request's of "
                    + payload.length;
        int wantedId = ids == Origin.REQUEST ? id : known.id();
        if (ids != Origin.NONE && message.id() != wantedId)
            return "the answer's peerid is " + Integer.toUnsignedString(message.id()) + ", not "
                    + Integer.toUnsignedString(wantedId);
        if (pids == Origin.REQUEST && message.pid() != pid)
            return "the answer's pid is " + Integer.toUnsignedString(message.pid()) + ", not the request's";
        return message.marked() == known.marked() && message.descriptors().size() == known.descriptors().size()
                ? ""
                : "the answer has " + message.descriptors().size() + " descriptors, and before it had "
                        + known.descriptors().size();
    }
}
