package org.imsg.harness.debian;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One binary package source of apt, as sources.list(5) describes it.
 *
 * @param uri where the packages are
 * @param suites the releases it is used for
 * @param components the parts of each
 */
record AptSource(String uri, List<String> suites, List<String> components) {

    /** Reads the format of one line a source: {@code deb [options] uri suite component...}. */
    static List<AptSource> readList(String text) {
        List<AptSource> sources = new ArrayList<>();
        for (String line : text.lines().map(AptSource::withoutComment).toList()) {
            List<String> words = words(line.replaceFirst("^(deb\\s+)\\[[^]]*\\]", "$1"));
            if (words.size() >= 4 && words.getFirst().equals("deb")) {
                sources.add(new AptSource(words.get(1), List.of(words.get(2)), words.subList(3, words.size())));
            }
        }
        return sources;
    }

    /** Reads the format of one paragraph a source, with fields that may go on in indented lines. */
    static List<AptSource> readDeb822(String text) {
        List<AptSource> sources = new ArrayList<>();
        String uncommented = text.lines().filter(line -> !line.startsWith("#")).reduce("", (a, b) -> a + b + "\n");
        for (String paragraph : uncommented.split("\\n\\s*\\n")) {
            Map<String, String> fields = fields(paragraph);
            boolean enabled = !fields.getOrDefault("enabled", "yes").equalsIgnoreCase("no");
            if (enabled && words(fields.getOrDefault("types", "")).contains("deb")) {
                for (String uri : words(fields.getOrDefault("uris", ""))) {
                    sources.add(new AptSource(uri, words(fields.getOrDefault("suites", "")),
                            words(fields.getOrDefault("components", ""))));
                }
            }
        }
        return sources;
    }

    private static Map<String, String> fields(String paragraph) {
        Map<String, String> fields = new HashMap<>();
        for (String field : paragraph.replaceAll("\\n[ \\t]+", " ").split("\\n")) {
            int colon = field.indexOf(':');
            if (colon > 0) {
                fields.put(field.substring(0, colon).toLowerCase(Locale.ROOT), field.substring(colon + 1).strip());
            }
        }
        return fields;
    }

    private static String withoutComment(String line) {
        int hash = line.indexOf('#');
        return hash < 0 ? line : line.substring(0, hash);
    }

    private static List<String> words(String text) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
    }
}
