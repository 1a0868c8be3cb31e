package org.imsg.harness.scripted;

import java.util.ArrayList;
import java.util.List;
import org.imsg.harness.describe.EventPrinter;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Event;

/** A script beside what really passed, for a failure. */
final class SideBySide {
    private static final int WIDTH = 46;
    private static final int ROWS = 8;
    /** A peer may have sent without end: the last so many steps, and events of each, are shown. */
    private static final int MOST = 100;
    private static final int LONGEST = 1000;

    private final List<String> script;
    private final List<Integer> eventsBefore;
    private final List<Event> passed;
    private final ProtocolDescription protocol;

    /** The steps, how many events had passed before each, and all events. */
    SideBySide(List<String> script, List<Integer> eventsBefore, List<Event> passed, ProtocolDescription protocol) {
        this.script = script;
        this.eventsBefore = eventsBefore;
        this.passed = passed;
        this.protocol = protocol;
    }

    String text(String what) {
        StringBuilder text = new StringBuilder("step ").append(script.size()).append(": ").append(what).append('\n')
                .append(row("the script", "what passed"));
        int first = Math.max(0, script.size() - MOST);
        if (first > 0)
            text.append(row("... " + first + " steps", "... " + eventsBefore.get(first) + " events"));
        for (int step = first; step < script.size(); step++) {
            int from = eventsBefore.get(step);
            int to = step + 1 < script.size() ? eventsBefore.get(step + 1) : passed.size();
            List<String> events = new ArrayList<>();
            if (to - from > MOST)
                events.add("... " + (to - from - MOST) + " events");
            passed.subList(Math.max(from, to - MOST), to).forEach(event -> events.add(line(event)));
            text.append(row((step + 1) + " " + script.get(step), events.isEmpty() ? "" : events.removeFirst()));
            events.forEach(event -> text.append(row("", event)));
        }
        if (!passed.isEmpty()) {
            EventPrinter printer = new EventPrinter(protocol, false, ROWS);
            text.append("the last of it:\n").append(printer.heading()).append('\n')
                    .append(printer.text(passed.getLast()));
        }
        return text.toString();
    }

    private static String row(String left, String right) {
        String cut = left.length() <= WIDTH ? left : left.substring(0, WIDTH - 3) + "...";
        return ("  %-" + WIDTH + "s | %s").formatted(cut, right).stripTrailing() + "\n";
    }

    private String line(Event event) {
        String line = event.direction().sign() + " " + words(event);
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
    }

    private String words(Event event) {
        return switch (event.kind()) {
            case MESSAGE -> message(event);
            case BYTES -> event.bytes().length + " bytes " + event.note();
            case END -> "end of stream";
            case NOTE -> event.note();
        };
    }

    private String message(Event event) {
        String name = protocol.typeName(event.type(), event.direction());
        String descriptor = EventPrinter.descriptor(event);
        return "type " + Integer.toUnsignedString(event.type()) + (name.isEmpty() ? "" : " " + name) + ", id "
                + Integer.toUnsignedString(event.id()) + ", " + (event.bytes().length - 16) + " bytes"
                + (descriptor.equals("-") ? "" : ", descriptor " + descriptor);
    }
}
