package org.imsg.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Refuses source files of a package that need each other, directly or through others, so that the files of a package form
 * layers. A sealed parent may name its children, wherever they stand.
 */
public final class FileLayers {
    private static final Pattern TYPE_IN_DESCRIPTOR = Pattern.compile("L([\\w/$]+)[;<]");

    /** The files that a file needs in its own package. */
    private final Map<String, TreeSet<String>> needs = new TreeMap<>();
    private final Map<Arrow, String> allowed = new LinkedHashMap<>();

    /** One file needs another. */
    private record Arrow(String from, String to) {
        @Override
        public String toString() {
            return from + " -> " + to;
        }
    }

    private FileLayers() {}

    /**
     * Reads compiled classes.
     *
     * @param classes a directory, usually target/classes
     * @param packages the packages looked at; all if there are none
     * @return the files they were compiled from and what these need
     */
    public static FileLayers of(Path classes, String... packages) {
        FileLayers layers = new FileLayers();
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                layers.add(ClassFile.of().parse(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (packages.length > 0) {
            layers.needs.keySet().removeIf(file -> !List.of(packages).contains(packageOf(file)));
        }
        if (layers.needs.isEmpty()) {
            throw new AssertionError("no such classes in " + classes);
        }
        return layers;
    }

    /**
     * Allows one arrow of a circle. An allowed arrow that is part of no circle is refused by {@link #check()}.
     *
     * @param from the full name of the class that needs the other
     * @param to the full name of the other
     * @param reason why the circle stays
     * @return this
     */
    public FileLayers allow(String from, String to, String reason) {
        allowed.put(new Arrow(from, to), reason);
        return this;
    }

    /** Throws an AssertionError that names every circle, and every allowed arrow that is needed no longer. */
    public void check() {
        List<String> wrong = new ArrayList<>();
        for (Arrow arrow : allowed.keySet()) {
            if (!needs.getOrDefault(arrow.from, new TreeSet<>()).contains(arrow.to)
                    || wayBack(arrow, Map.of()).isEmpty()) {
                wrong.add("allowed for nothing: " + arrow);
            }
        }
        TreeSet<String> inCircles = new TreeSet<>();
        needs.forEach((from, all) -> all.forEach(to -> {
            Arrow arrow = new Arrow(from, to);
            List<String> back = allowed.containsKey(arrow) ? List.of() : wayBack(arrow, allowed);
            if (!back.isEmpty() && inCircles.addAll(back)) {
                wrong.add("a circle: " + from + " -> " + String.join(" -> ", back));
            }
        }));
        if (!wrong.isEmpty()) {
            throw new AssertionError(String.join("\n", wrong));
        }
    }

    private void add(ClassModel model) {
        String name = model.thisClass().asInternalName();
        if (name.equals("module-info") || name.endsWith("/package-info")) {
            return;
        }
        TreeSet<String> permitted = model.findAttribute(Attributes.permittedSubclasses()).stream()
                .flatMap(attribute -> attribute.permittedSubclasses().stream())
                .map(child -> file(child.asInternalName())).collect(Collectors.toCollection(TreeSet::new));
        String from = file(name);
        TreeSet<String> all = needs.computeIfAbsent(from, _ -> new TreeSet<>());
        for (PoolEntry entry : model.constantPool()) {
            if (entry instanceof ClassEntry type) {
                addNeed(all, from, permitted, type.asInternalName());
            } else if (entry instanceof Utf8Entry text) {
                Matcher types = TYPE_IN_DESCRIPTOR.matcher(text.stringValue());
                while (types.find()) {
                    addNeed(all, from, permitted, types.group(1));
                }
            }
        }
    }

    private static void addNeed(TreeSet<String> all, String from, TreeSet<String> permitted, String type) {
        String to = file(type);
        if (!to.equals(from) && packageOf(to).equals(packageOf(from)) && !permitted.contains(to)) {
            all.add(to);
        }
    }

    /** The files on the shortest way from the arrow's end to its beginning, with both; empty if there is none. */
    private List<String> wayBack(Arrow arrow, Map<Arrow, String> without) {
        Map<String, String> cameFrom = new LinkedHashMap<>();
        Deque<String> next = new ArrayDeque<>(List.of(arrow.to));
        cameFrom.put(arrow.to, "");
        while (!next.isEmpty()) {
            String file = next.remove();
            if (file.equals(arrow.from)) {
                ArrayDeque<String> way = new ArrayDeque<>();
                for (String step = file; !step.isEmpty(); step = cameFrom.get(step)) {
                    way.addFirst(step);
                }
                return List.copyOf(way);
            }
            for (String needed : needs.getOrDefault(file, new TreeSet<>())) {
                if (!without.containsKey(new Arrow(file, needed)) && cameFrom.putIfAbsent(needed, file) == null) {
                    next.add(needed);
                }
            }
        }
        return List.of();
    }

    private static String file(String internalName) {
        String name = internalName.replaceFirst("^\\[+L?", "").replace(";", "").replace('/', '.');
        int nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }

    private static String packageOf(String name) {
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }
}
