package org.imsg.privsep.ops;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.privsep.ops.Rule.BindRule;
import org.imsg.privsep.ops.Rule.ChownRule;
import org.imsg.privsep.ops.Rule.ClockRule;
import org.imsg.privsep.ops.Rule.ConnectRule;
import org.imsg.privsep.ops.Rule.LookupRule;
import org.imsg.privsep.ops.Rule.OpenRule;
import org.imsg.privsep.ops.Rule.RemoveRule;
import org.imsg.privsep.ops.Rule.RunRule;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.ErrnoException;

/** Reads the lines of a {@link Policy}, all of them, so that every fault is told at once. */
final class PolicyReader {
    private static final int USUAL_BACKLOG = 128;
    private static final int USUAL_MODE = 0600;
    private static final int USUAL_FILE_MODE = 0666;

    private final List<Rule> rules = new ArrayList<>();
    private Optional<Ids> ids = Optional.empty();
    private Optional<Path> chroot = Optional.empty();

    private PolicyReader() {}

    static Policy read(String source, List<String> lines) {
        PolicyReader reader = new PolicyReader();
        List<String> faults = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String place = source + ":" + (i + 1) + ": ";
            try {
                reader.read(place + lines.get(i).strip(), Words.of(lines.get(i)));
            } catch (IllegalArgumentException e) {
                faults.add(place + e.getMessage());
            }
        }
        if (!faults.isEmpty())
            throw new PolicyException(faults);
        return new Policy(reader.rules, reader.ids, reader.chroot);
    }

    private void read(String origin, Words words) {
        if (!words.hasNext())
            return;
        String verb = words.next("a rule");
        switch (verb) {
            case "user" -> readUser(words.next("UID or UID:GID"));
            case "chroot" -> chroot = Optional.of(Path.of(absolute(words.next("a directory"))));
            case "open" -> rules.add(open(origin, words));
            case "bind" -> rules.add(bind(origin, words));
            case "connect" -> rules.add(connect(origin, words));
            case "run" -> rules.add(run(origin, words));
            case "chown" -> rules.add(chown(origin, words));
            case "remove" -> rules.add(new RemoveRule(origin, Target.parse(words.next("a path"))));
            case "lookup" -> rules.add(new LookupRule(origin, set(Lookup.class, words.rest())));
            case "clock" -> rules.add(clock(origin, words));
            default -> throw new IllegalArgumentException("expected user, chroot, open, bind, connect, run, chown, "
                    + "remove, lookup or clock, not " + verb);
        }
        words.end();
    }

    private void readUser(String text) {
        int colon = text.indexOf(':');
        long user = one(users(colon < 0 ? text : text.substring(0, colon)));
        if (ids.isPresent())
            throw new IllegalArgumentException("expected one line that says user");
        ids = Optional.of(Ids.of(user, colon < 0 ? user : one(groups(text.substring(colon + 1)))));
    }

    private static Rule open(String origin, Words words) {
        Set<Access> access = set(Access.class,
                List.of(words.next("read, write, append or create").split(",", -1)));
        Map<String, String> options = words.options("links", "special", "owner=", "mode=");
        return new OpenRule(origin, Target.parse(words.next("a path")), access, options.containsKey("links"),
                options.containsKey("special"),
                Optional.ofNullable(options.get("owner=")).map(PolicyReader::users), mode(options, USUAL_FILE_MODE));
    }

    private static Rule bind(String origin, Words words) {
        SocketKind kind = kind(words);
        Map<String, String> options = kind.isUnix()
                ? words.options("reuse", "backlog=", "mode=")
                : words.options("reuse", "backlog=");
        String backlog = options.getOrDefault("backlog=", Integer.toString(USUAL_BACKLOG));
        if (!backlog.matches("[0-9]{1,6}"))
            throw new IllegalArgumentException("expected a number of connections for backlog, not " + backlog);
        return new BindRule(origin, kind, endpoint(kind, words), options.containsKey("reuse"),
                Integer.parseInt(backlog), mode(options, USUAL_MODE));
    }

    private static int mode(Map<String, String> options, int usual) {
        String mode = options.getOrDefault("mode=", Integer.toOctalString(usual));
        if (!mode.matches("0?[0-7]{3}"))
            throw new IllegalArgumentException("expected permission bits such as 0660 for mode, not " + mode);
        return Integer.parseInt(mode, 8);
    }

    private static Rule connect(String origin, Words words) {
        SocketKind kind = kind(words);
        return new ConnectRule(origin, kind, endpoint(kind, words));
    }

    private static Endpoint endpoint(SocketKind kind, Words words) {
        return kind.isUnix()
                ? new Endpoint.OfPath(Target.parse(words.next("a path")))
                : Endpoint.parse(words.next("ADDRESS:PORT"));
    }

    private static Rule run(String origin, Words words) {
        Map<String, String> options = words.options("user=", "users=", "group=", "under=", "own=", "environment=",
                "time=");
        if (options.containsKey("user=") == options.containsKey("users="))
            throw new IllegalArgumentException("expected either user= or users=");
        boolean unique = options.containsKey("users=");
        IdRange users = users(options.get(unique ? "users=" : "user="));
        if (!unique)
            one(users);
        if (users.contains(0))
            throw new IllegalArgumentException("expected users other than 0, who may do everything anyway");
        Map<String, String> fixed = new LinkedHashMap<>();
        Set<String> free = new LinkedHashSet<>();
        for (String variable : options.getOrDefault("environment=", "").split(",")) {
            int equals = variable.indexOf('=');
            if (equals > 0)
                fixed.put(variable.substring(0, equals), variable.substring(equals + 1));
            else if (!variable.isEmpty())
                free.add(variable);
        }
        return new RunRule(origin, users, unique,
                Optional.ofNullable(options.get("group=")).map(text -> (int) one(groups(text))),
                Optional.ofNullable(options.get("under=")).map(Target::parse),
                Optional.ofNullable(options.get("own=")).map(PolicyReader::users), absolute(words.next("a program")),
                List.copyOf(words.rest()), fixed, free,
                Optional.ofNullable(options.get("time=")).map(PolicyReader::seconds));
    }

    private static Rule chown(String origin, Words words) {
        Map<String, String> options = words.options("from=", "to=");
        String from = options.get("from=");
        String to = options.get("to=");
        if (from == null || to == null || to.indexOf(':') < 0)
            throw new IllegalArgumentException("expected from=UIDS and to=UIDS:GIDS");
        return new ChownRule(origin, Target.parse(words.next("a path")), users(from),
                users(to.substring(0, to.indexOf(':'))), groups(to.substring(to.indexOf(':') + 1)));
    }

    private static Rule clock(String origin, Words words) {
        return new ClockRule(origin,
                Optional.ofNullable(words.options("within=").get("within=")).map(PolicyReader::seconds));
    }

    private static Duration seconds(String text) {
        if (!text.matches("[0-9]{1,9}"))
            throw new IllegalArgumentException("expected a number of seconds, not " + text);
        return Duration.ofSeconds(Long.parseLong(text));
    }

    private static SocketKind kind(Words words) {
        String word = words.next("tcp, udp, unix or unix-datagram");
        return Stream.of(SocketKind.values()).filter(kind -> kind.word().equals(word)).findAny().orElseThrow(
                () -> new IllegalArgumentException("expected tcp, udp, unix or unix-datagram, not " + word));
    }

    private static String absolute(String path) {
        Optional<String> fault = path.equals("/") ? Optional.empty() : Target.fault(path);
        if (fault.isPresent())
            throw new IllegalArgumentException(fault.get());
        return path;
    }

    private static <E extends Enum<E>> Set<E> set(Class<E> type, List<String> words) {
        Set<E> set = EnumSet.noneOf(type);
        List<String> known = Stream.of(type.getEnumConstants()).map(each -> each.name().toLowerCase(Locale.ROOT))
                .toList();
        for (String word : words) {
            if (!known.contains(word))
                throw new IllegalArgumentException(expected(known) + ", not " + word);
            set.add(Enum.valueOf(type, word.toUpperCase(Locale.ROOT)));
        }
        if (set.isEmpty())
            throw new IllegalArgumentException(expected(known));
        return set;
    }

    private static String expected(List<String> known) {
        return known.subList(0, known.size() - 1).stream().collect(Collectors.joining(", ", "expected ", " or "))
                + known.getLast();
    }

    private static long one(IdRange range) {
        if (range.first() != range.last())
            throw new IllegalArgumentException("expected one id, not " + range);
        return range.first();
    }

    private static IdRange users(String text) {
        return IdRange.parse(text, name -> {
            try {
                return AccountDatabase.user(name).map(user -> Integer.toUnsignedLong(user.uid()))
                        .orElseThrow(() -> new IllegalArgumentException("expected a user, and there is no " + name));
            } catch (ErrnoException e) {
                throw new IllegalArgumentException("the user " + name + " cannot be looked up: " + e.getMessage(), e);
            }
        });
    }

    private static IdRange groups(String text) {
        return IdRange.parse(text, name -> {
            try {
                return AccountDatabase.group(name).map(group -> Integer.toUnsignedLong(group.gid()))
                        .orElseThrow(() -> new IllegalArgumentException("expected a group, and there is no " + name));
            } catch (ErrnoException e) {
                throw new IllegalArgumentException("the group " + name + " cannot be looked up: " + e.getMessage(), e);
            }
        });
    }
}
