package org.imsg.examples.master;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A line of the table, as of Postfix's master.cf: which program runs under which user, in how many processes at most, how many requests
 * one of them serves, how many seconds it waits for the next, and the address whose connections it serves. A dash stands for none.
 */
record Service(String name, Program program, long uid, int processes, int uses, Duration idle,
        Optional<InetSocketAddress> address) {
    private static final String NONE = "-";
    private static final int COLUMNS = 7;

    /** What a service runs. */
    enum Program {
        LISTENER, SMTPD, CLEANUP, QMGR, DELIVER;

        /** Whether its processes are started for requests; there is one process that stays else. */
        boolean isOnDemand() {
            return this != LISTENER && this != QMGR;
        }
    }

    /** Reads a table. A # begins a comment. Faults are an IllegalArgumentException that names their line. */
    static List<Service> table(String text) {
        List<Service> services = new ArrayList<>();
        String[] lines = text.split("\n");
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i].replaceAll("#.*", "").strip();
            try {
                if (!line.isEmpty())
                    services.add(of(line.split("\\s+")));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + (i + 1) + " of the table: " + e.getMessage(), e);
            }
        }
        return services;
    }

    private static Service of(String... words) {
        if (words.length != COLUMNS)
            throw new IllegalArgumentException("it has " + COLUMNS + " columns, not " + words.length);
        Program program = program(words[1]);
        if (program != Program.SMTPD && !words[0].equals(words[1]))
            throw new IllegalArgumentException("others know the service of " + words[1] + " by this name");
        Optional<InetSocketAddress> address = words[6].equals(NONE) ? Optional.empty() : Optional.of(address(words[6]));
        if (address.isPresent() != (program == Program.SMTPD))
            throw new IllegalArgumentException("smtpd has an address, and no other program has one");
        if (!program.isOnDemand()) {
            if (!words[3].equals("1") || !words[4].equals(NONE) || !words[5].equals(NONE))
                throw new IllegalArgumentException("there is 1 process of " + words[1] + ", and it stays: 1 - -");
            return new Service(words[0], program, number(words[2]), 1, 0, Duration.ZERO, address);
        }
        return new Service(words[0], program, number(words[2]), number(words[3]), number(words[4]),
                Duration.ofSeconds(number(words[5])), address);
    }

    private static Program program(String word) {
        try {
            return Program.valueOf(word.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException _) {
            throw new IllegalArgumentException("there is no program " + word);
        }
    }

    private static int number(String word) {
        if (!word.matches("[1-9][0-9]{0,8}"))
            throw new IllegalArgumentException("expected a number, not " + word);
        return Integer.parseInt(word);
    }

    private static InetSocketAddress address(String word) {
        int colon = word.lastIndexOf(':');
        if (colon < 0)
            throw new IllegalArgumentException("expected ADDRESS:PORT, not " + word);
        return new InetSocketAddress(InetAddress.ofLiteral(word.substring(0, colon)),
                number(word.substring(colon + 1)));
    }
}
