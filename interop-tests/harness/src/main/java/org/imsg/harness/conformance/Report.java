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
 */
public record Report(String name, List<Outcome> outcomes) {
    /** How a case ended. */
    public enum Status {
        /** As a daemon built on C imsg does, or better. */
        PASSED,
        /** Not so. */
        FAILED,
        /** It makes no sense for this daemon. */
        SKIPPED
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
            String line = String.format(Locale.ROOT, "%-7s %-12s %-34s %s", status.name().toLowerCase(Locale.ROOT),
                    group, name, remark).stripTrailing();
            return status == Status.FAILED ? line + "\n" + " ".repeat(21) + "C imsg: " + inC : line;
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
        return count(Status.PASSED) + " passed, " + count(Status.FAILED) + " failed, " + count(Status.SKIPPED)
                + " skipped";
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
            xml.writeAttribute("skipped", String.valueOf(count(Status.SKIPPED)));
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
