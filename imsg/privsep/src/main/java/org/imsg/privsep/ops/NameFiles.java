package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The files of names in /etc: services(5), protocols(5), rpc(5) and ethers(5). They are read at every question, so that a change is seen at once.
 * A missing file has no names, and those of a directory service are not seen.
 */
final class NameFiles {
    /** The bytes of UTF-8 that an answer has for names: a character of ISO 8859-1 is two of them at most. */
    private static final int ROOM = 12_000;

    private final Path directory;

    NameFiles(Path directory) {
        this.directory = directory;
    }

    /** Name, port, protocol, and other names; the key is a name or a port, the protocol may be empty for any. */
    Optional<List<String>> service(String key, String protocol) throws IOException {
        return services().filter(words -> protocol.isEmpty() || words[1].endsWith("/" + protocol))
                .filter(words -> isNumber(key) ? words[1].startsWith(key + "/") : named(words, key, 2)).findFirst()
                .map(NameFiles::service);
    }

    /** Name, number, and other names; the key is a name or a number. */
    Optional<List<String>> rpc(String key) throws IOException {
        return numbered("rpc").filter(words -> isNumber(key) ? words[1].equals(key) : named(words, key, 2))
                .findFirst().map(List::of);
    }

    /** Name, number, and other names; the key is a name or a number. */
    Optional<List<String>> protocol(String key) throws IOException {
        return numbered("protocols").filter(words -> isNumber(key) ? words[1].equals(key) : named(words, key, 2))
                .findFirst().map(List::of);
    }

    /** Some of the services from a place on, each as name, port, protocol and other names with blanks between. */
    List<String> services(long from, int most) throws IOException {
        return some(services().map(NameFiles::service).map(words -> String.join(" ", words)), from, most);
    }

    /** Some of the protocols from a place on, each as name, number and other names with blanks between. */
    List<String> protocols(long from, int most) throws IOException {
        return some(numbered("protocols").map(words -> String.join(" ", words)), from, most);
    }

    /** As many as fit into an answer; one more than fits has no place in any. */
    private static List<String> some(Stream<String> all, long from, int most) {
        AtomicInteger room = new AtomicInteger(ROOM);
        return all.skip(from).limit(most).takeWhile(line -> room.addAndGet(-2 * line.length()) >= 0).toList();
    }

    private Stream<String[]> numbered(String file) throws IOException {
        return lines(file).filter(words -> words.length > 1 && isNumber(words[1]));
    }

    private Stream<String[]> services() throws IOException {
        return lines("services").filter(words -> words.length > 1 && words[1].matches("[0-9]+/\\w+"));
    }

    private static List<String> service(String[] words) {
        return Stream.concat(Stream.of(words[0], words[1].replaceFirst("/.*", ""), words[1].replaceFirst(".*/", "")),
                Stream.of(words).skip(2)).toList();
    }

    /** Ethernet address and host name; the key is either. */
    Optional<List<String>> ether(String key) throws IOException {
        Predicate<String[]> wanted = isEthernet(key)
                ? words -> canonical(words[0]).equals(canonical(key))
                : words -> words[1].equals(key);
        return lines("ethers").filter(words -> words.length > 1 && isEthernet(words[0])).filter(wanted).findFirst()
                .map(words -> List.of(canonical(words[0]), words[1]));
    }

    private Stream<String[]> lines(String file) throws IOException {
        try {
            return Files.readAllLines(directory.resolve(file), StandardCharsets.ISO_8859_1).stream()
                    .map(line -> line.replaceFirst("#.*", "").strip()).filter(line -> !line.isEmpty())
                    .map(line -> line.split("\\s+"));
        } catch (NoSuchFileException _) {
            return Stream.empty();
        }
    }

    /** Whether the first word or one from a place on is the name. */
    private static boolean named(String[] words, String name, int aliasesFrom) {
        return words[0].equals(name) || Stream.of(words).skip(aliasesFrom).anyMatch(name::equals);
    }

    private static boolean isNumber(String key) {
        return key.matches("[0-9]+");
    }

    private static boolean isEthernet(String key) {
        return key.matches("([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}");
    }

    /** Two lower-case digits a byte. */
    private static String canonical(String ethernet) {
        StringBuilder text = new StringBuilder();
        for (String each : ethernet.split(":"))
            text.append(text.isEmpty() ? "" : ":").append(String.format("%02x", Integer.parseInt(each, 16)));
        return text.toString();
    }
}
