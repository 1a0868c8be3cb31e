package org.imsg.harness.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.imsg.harness.stream.StandardInput;
import org.imsg.peers.smtpd.Envelope;
import org.imsg.peers.smtpd.Part;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(name = "smtp", description = {"Asks OpenSMTPD's smtpd what smtpctl and sendmail ask it.",
        "Versions 6.8.0p2, 7.6.0p1 and 7.9.0p0, or a package's such as 6.8.0p2-4.",
        "Exit code 1 if smtpd refuses, leaves, or is silent for ten seconds."}, footer = {"%nExample:%n",
                "  imsg smtp /run/smtpd.sock --version 7.6.0p1 pause mda",
                "  imsg smtp /run/smtpd.sock --version 7.6.0p1 send --from me@localhost --to you@localhost mail"})
final class SmtpCommand extends DaemonCommand {
    private static final class Actions extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        Actions() {
            super(List.of("status", "queue", "pause", "resume", "stats", "send"));
        }
    }

    @Parameters(index = "1", paramLabel = "ACTION", completionCandidates = Actions.class, description = {
            "status: which parts run", "queue: the mails that wait, one row a recipient",
            "pause mda|mta|smtp: stops a part: local delivery, delivery elsewhere, taking mail",
            "resume mda|mta|smtp: starts it again", "stats: the counters",
            "send [FILE]: hands in a mail over a descriptor that smtpd passes; without FILE the standard input"})
    private String action;

    @Parameters(index = "2", arity = "0..1", paramLabel = "ARGUMENT", description = "What the action takes.")
    private @Nullable String argument;

    @Option(names = "--from", paramLabel = "ADDRESS", description = "send: the sender.")
    private @Nullable String sender;

    @Option(names = "--to", paramLabel = "ADDRESS", description = "send: a recipient; may be given several times.")
    private List<String> recipients = List.of();

    private interface Question {
        void ask(SmtpdClient smtpd) throws IOException;
    }

    @Override
    DaemonRequest request() throws IOException {
        SmtpdVersion known = SmtpdVersion.of(version);
        Question question = question();
        return () -> {
            try (SmtpdClient smtpd = SmtpdClient.connect(socket, known)) {
                question.ask(smtpd);
            }
            return ExitCode.OK;
        };
    }

    private Question question() throws IOException {
        List<String> arguments = argument == null ? List.of() : List.of(argument);
        switch (action) {
            case "pause", "resume" -> expect(action, arguments, 1, 1);
            default -> expect(action, arguments, 0, action.equals("send") ? 1 : 0);
        }
        if (!action.equals("send") && (sender != null || !recipients.isEmpty()))
            throw new ParameterException(spec.commandLine(), "--from and --to are for send, not for " + action);
        return switch (action) {
            case "status" -> this::status;
            case "queue" -> this::queue;
            case "pause" -> pause(part());
            case "resume" -> resume(part());
            case "stats" -> this::statistics;
            case "send" -> send();
            default -> throw unknown(action, new Actions());
        };
    }

    private Part part() {
        return Arrays.stream(Part.values()).filter(part -> part.name().equalsIgnoreCase(argument)).findFirst()
                .orElseThrow(() -> unknown(argument, List.of("mda", "mta", "smtp")));
    }

    private static Question pause(Part part) {
        return smtpd -> smtpd.pause(part);
    }

    private static Question resume(Part part) {
        return smtpd -> smtpd.resume(part);
    }

    private void status(SmtpdClient smtpd) throws IOException {
        Set<Part> paused = smtpd.paused();
        Rows rows = rows("part", "paused");
        for (Part part : Part.values())
            rows.add(part.name().toLowerCase(Locale.ROOT), paused.contains(part));
    }

    private void queue(SmtpdClient smtpd) throws IOException {
        List<Envelope> queue = smtpd.queue();
        Rows rows = rows("envelope        ", "time                ", "type ", "sender                  ", "recipient");
        for (Envelope envelope : queue)
            rows.add("%016x".formatted(envelope.id()), Instant.ofEpochSecond(envelope.time()),
                    field(envelope, "type"), field(envelope, "sender"), field(envelope, "rcpt"));
    }

    private static String field(Envelope envelope, String name) {
        return envelope.fields().getOrDefault(name, "");
    }

    private void statistics(SmtpdClient smtpd) throws IOException {
        Rows rows = rows("counter                                 ", "value");
        smtpd.statistics().forEach(rows::add);
    }

    private Question send() throws IOException {
        if (sender == null || recipients.isEmpty())
            throw new ParameterException(spec.commandLine(), "send takes --from and --to");
        byte[] mail;
        try (InputStream in = argument == null
                ? new StandardInput()
                : Files.newInputStream(Reading.file(Path.of(argument)))) {
            mail = in.readAllBytes();
        }
        return smtpd -> smtpd.enqueue(sender, recipients, new String(mail, StandardCharsets.UTF_8));
    }
}
