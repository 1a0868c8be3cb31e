package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;

/** Looks up a name or a number where the parent sees them; each answer is a list of strings. */
record LookUp(Kind kind, String key, String second) implements Operation.Request {
    static final Operation<LookUp, Rule> OPERATION = new Operation<>(Effect.NONE, 8, "lookup",
            fields -> new LookUp(fields.oneOf("kind", Kind.values()), fields.string("key"),
                    fields.string("second key")),
            Rule::of, LookUp::perform);

    /** The most names in an answer. */
    static final int MOST = 64;
    private static final int LONGEST_HOST = 255;

    /** The words of a line; their order is that of the numbers on the wire, from 0 on. */
    enum Kind {
        USER, GROUP, SERVICE, RPC, ETHER, HOST, ADDRESS, LOCALTIME, PROTOCOL
    }

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(kind.ordinal());
        Fields.addString(payload, key);
        Fields.addString(payload, second);
    }

    @Override
    public String toString() {
        return "look up " + kind + " " + key;
    }

    /** {@code lookup KIND...}; {@code host=NAME[,NAME]} allows these names only, and {@code *.NAME} all beneath one. */
    record Rule(Set<Kind> kinds, List<String> hosts) implements Operation.Rule<LookUp> {
        private static Rule of(PolicyLine line) {
            List<String> words = new ArrayList<>(line.rest().stream().map(PolicyLine.Word::text).toList());
            List<String> hosts = new ArrayList<>();
            words.replaceAll(word -> {
                if (!word.startsWith("host="))
                    return word;
                hosts.addAll(List.of(canonical(word.substring(word.indexOf('=') + 1)).split(",", -1)));
                return "host";
            });
            for (String host : hosts)
                if (!host.matches("(\\*\\.)?[^*.,\\s]+(\\.[^*.,\\s]+)*"))
                    throw new IllegalArgumentException("expected a name such as www.example.org or *.example.org"
                            + " for host, not " + host);
            return new Rule(PolicyLine.set(Kind.class, words), List.copyOf(hosts));
        }

        @Override
        public Verdict verdict(LookUp request) {
            if (!kinds.contains(request.kind))
                return Verdict.NOT_CONCERNED;
            return request.kind != Kind.HOST || hosts.isEmpty() || allows(canonical(request.key))
                    ? Verdict.ALLOWED
                    : Verdict.objection("does not allow the name");
        }

        private boolean allows(String name) {
            return hosts.stream().anyMatch(
                    host -> host.startsWith("*.") ? name.endsWith(host.substring(1)) : name.equals(host));
        }

        private static String canonical(String name) {
            return name.toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
        }
    }

    private static Answer perform(Permit<LookUp, Rule> permit) throws IOException {
        return permit.request().find(permit.host().names()).map(Answer::done).orElseGet(Answer::absent);
    }

    private Optional<List<String>> find(NameFiles files) throws IOException {
        return switch (kind) {
            case USER -> (isId(key) ? AccountDatabase.user(id(key)) : AccountDatabase.user(key))
                    .map(user -> List.of(user.name(), Long.toString(user.uid()),
                            Long.toString(user.gid()), user.gecos(), user.home(), user.shell()));
            case GROUP -> (isId(key) ? AccountDatabase.group(id(key)) : AccountDatabase.group(key))
                    .map(group -> Stream.concat(Stream.of(group.name(), Long.toString(group.gid())),
                            group.members().stream()).toList());
            case SERVICE -> key.isEmpty()
                    ? Optional.of(files.services(place(), MOST))
                    : files.service(key, second);
            case PROTOCOL -> key.isEmpty() ? Optional.of(files.protocols(place(), MOST)) : files.protocol(key);
            case RPC -> files.rpc(key);
            case ETHER -> files.ether(key);
            case HOST -> addresses(key);
            case ADDRESS -> name(key);
            case LOCALTIME -> Optional.of(List.of(offset(key)));
        };
    }

    /** Without a key all are asked for, from the place that the second key says; some come in one answer. */
    private long place() throws IOException {
        if (!second.matches("[0-9]{1,9}"))
            throw new IOException("all names are asked for by the number to begin with, not " + second);
        return Long.parseLong(second);
    }

    private static Optional<List<String>> addresses(String host) {
        // The JDK would remember for a while that there is none, with all of the name.
        if (host.length() > LONGEST_HOST)
            return Optional.empty();
        try {
            return Optional.of(Stream.of(InetAddress.getAllByName(host)).map(InetAddress::getHostAddress).toList());
        } catch (UnknownHostException _) {
            return Optional.empty();
        }
    }

    private static Optional<List<String>> name(String address) throws UnknownHostException {
        InetAddress literal = Endpoint.address(address);
        String name = literal.getCanonicalHostName();
        // Where there is none, the address comes back.
        return name.equals(literal.getHostAddress()) ? Optional.empty() : Optional.of(List.of(name));
    }

    private static String offset(String epochSecond) throws IOException {
        try {
            return Integer.toString(ZoneId.systemDefault().getRules()
                    .getOffset(Instant.ofEpochSecond(Long.parseLong(epochSecond))).getTotalSeconds());
        } catch (NumberFormatException | DateTimeException _) {
            throw new IOException("a local time is asked for by seconds since 1970, not " + epochSecond);
        }
    }

    private static boolean isId(String key) {
        return key.matches("[0-9]{1,10}") && Long.parseLong(key) <= 0xFFFF_FFFFL;
    }

    private static int id(String key) {
        return Integer.parseUnsignedInt(key);
    }
}
