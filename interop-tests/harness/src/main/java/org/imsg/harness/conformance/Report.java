package org.imsg.harness.conformance;

import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * The outcomes of a run.
 *
 * @param name what was tested
 * @param outcomes an outcome for each case, in order
 * @param goneSince the case after which no client was served any more; empty if the daemon is still there
 */
public record Report(String name, List<Outcome> outcomes, String goneSince) {
    /** How a case ended. */
    public enum Status {
        /** As a daemon built on C imsg does, or better. */
        PASSED,
        /** Not so. */
        FAILED,
        /** What it is about could not be looked at: neither right nor wrong. */
        NOT_TESTED,
        /** The daemon was gone before. */
        NOT_RUN;

        /** {@return the status in small letters, as reports have it} */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /**
     * A case's outcome.
     *
     * @param group what it belongs to
     * @param name the case
     * @param inC what a daemon built on C imsg does
     * @param status how it ended
     * @param remark what was seen, or why; may be empty
     * @param time how long it took
     */
    public record Outcome(String group, String name, String inC, Status status, String remark, Duration time) {
        /** {@return the outcome as lines for people} */
        @Override
        public String toString() {
            String line = String.format(Locale.ROOT, "%-10s %-12s %-34s %s", status,
                    group, name, remark).stripTrailing();
            return status == Status.FAILED ? line + "\n" + " ".repeat(24) + "C imsg: " + inC : line;
        }
    }

    /** Takes a copy of the list. */
    public Report {
        outcomes = List.copyOf(outcomes);
    }

    /**
     * How many cases ended so.
     *
     * @param status how
     * @return the number
     */
    public long count(Status status) {
        return outcomes.stream().filter(outcome -> outcome.status == status).count();
    }

    /** {@return the number of each status, in words} */
    public String summary() {
        String counts = count(Status.PASSED) + " passed, " + count(Status.FAILED) + " failed, "
                + count(Status.NOT_TESTED) + " not tested";
        return goneSince.isEmpty()
                ? counts
                : counts + "; the daemon is gone since " + goneSince + ", " + count(Status.NOT_RUN) + " not run";
    }

    /**
     * The report as JUnit writes it, for what reads such reports.
     *
     * @return an XML document
     */
    public String junitXml() {
        StringWriter text = new StringWriter();
        try {
            XMLStreamWriter xml = XMLOutputFactory.newFactory().createXMLStreamWriter(text);
            xml.writeStartDocument("UTF-8", "1.0");
            xml.writeStartElement("testsuite");
            xml.writeAttribute("name", "imsg conformance of " + name);
            xml.writeAttribute("tests", String.valueOf(outcomes.size()));
            xml.writeAttribute("failures", String.valueOf(count(Status.FAILED)));
            xml.writeAttribute("errors", "0");
            xml.writeAttribute("skipped", String.valueOf(count(Status.NOT_TESTED) + count(Status.NOT_RUN)));
            for (Outcome outcome : outcomes)
                write(xml, outcome);
            xml.writeEndElement();
            xml.writeEndDocument();
            xml.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }

    private static void write(XMLStreamWriter xml, Outcome outcome) throws XMLStreamException {
        xml.writeCharacters("\n  ");
        xml.writeStartElement("testcase");
        xml.writeAttribute("classname", "imsg." + outcome.group);
        xml.writeAttribute("name", outcome.name);
        xml.writeAttribute("time", String.format(Locale.ROOT, "%.3f", outcome.time.toNanos() / 1e9));
        if (outcome.status != Status.PASSED) {
            xml.writeStartElement(outcome.status == Status.FAILED ? "failure" : "skipped");
            xml.writeAttribute("message", outcome.remark);
            xml.writeEndElement();
        }
        xml.writeStartElement("system-out");
        xml.writeCharacters("C imsg: " + outcome.inC);
        xml.writeEndElement();
        xml.writeEndElement();
    }
}
