package org.imsg.privsep;

import java.io.File;
import java.io.IOException;
import java.lang.StackWalker.StackFrame;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.imsg.unix.Child;
import org.jspecify.annotations.Nullable;

/**
 * How the children's JVMs are started: with the same java, class path and module path as this one and the same main class,
 * small presets, and an environment that has nothing but {@code LANG}, {@code LC_ALL}, {@code LC_CTYPE}, {@code TZ} and
 * {@code PATH} of this one. Options of this JVM's own command line that are not named here are not handed on.
 *
 * <p>The presets are {@code -XX:+UseSerialGC -Xms8m -Xmx64m -XX:TieredStopAtLevel=1 -XX:-UsePerfData
 * -XX:+DisableAttachMechanism -XX:+ExitOnOutOfMemoryError}: a small process that leaves nothing in the temporary directory.
 * An option set here counts more than a preset; another collector replaces the Serial GC.
 */
public final class JvmSettings {
    private static final String SERIAL = "-XX:+UseSerialGC";
    private static final List<String> PRESETS = List.of(SERIAL, "-Xms8m", "-Xmx64m", "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData", "-XX:+DisableAttachMechanism", "-XX:+ExitOnOutOfMemoryError");
    private static final String AOT_CACHE = "-XX:AOTCache=";
    private static final String AOT = "imsg.privsep.aot";
    private static final List<String> INHERITED = List.of("LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH");

    private final List<String> options = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private Path java = running();
    private String classPath = System.getProperty("java.class.path", "");
    private String modulePath = System.getProperty("jdk.module.path", "");
    private String mainModule = System.getProperty("jdk.module.main", "");
    private @Nullable String mainClass;
    private boolean presets = true;
    private @Nullable Path cacheBase = System.getProperty(AOT) == null ? null : Path.of(System.getProperty(AOT));
    private @Nullable AotCache cache;
    private @Nullable Path fitting;
    private boolean toldOfNoCache;

    JvmSettings() {
        for (String name : INHERITED)
            if (System.getenv(name) != null)
                environment.put(name, System.getenv(name));
    }

    /**
     * Sets the java to start.
     *
     * @param program the path of a java of version 25 or newer; the one that runs this, unless set
     * @return this
     */
    public JvmSettings java(Path program) {
        java = Objects.requireNonNull(program);
        return this;
    }

    /**
     * Adds options.
     *
     * @param more such as {@code -Xmx256m}
     * @return this
     */
    public JvmSettings options(String... more) {
        options.addAll(List.of(more));
        return this;
    }

    /**
     * Leaves the presets out.
     *
     * @return this
     */
    public JvmSettings withoutPresets() {
        presets = false;
        return this;
    }

    /**
     * Starts the children with the AOT caches that a training run has made, as {@code -Dimsg.privsep.aot=FILE} does, which counts
     * more. They lie beside this path, each with a hash of the program's jars and the JVM's options added to the name, and are used
     * for those only: after an upgrade the children start without one, which the log says once, until there is another training run.
     *
     * @param file the path that {@code -Dimsg.privsep.aot.record} had; readable for every role. A cache is not used if others than
     *     root and the user of the parent can write to it or to its directory, for there is code in it
     * @return this
     */
    public JvmSettings aotCache(Path file) {
        if (System.getProperty(AOT) == null)
            cacheBase = Objects.requireNonNull(file);
        return this;
    }

    /**
     * Sets the class path and the main class: for where they cannot be found out, because {@link Privsep#run(String...)} is not called from
     * main, or the program was started from source.
     *
     * @param path directories and jars, in the form of {@code -cp}
     * @param main the class whose main calls {@link Privsep#run(String...)}
     * @return this
     */
    public JvmSettings classPath(String path, Class<?> main) {
        classPath = Objects.requireNonNull(path);
        mainClass = main.getName();
        modulePath = "";
        mainModule = "";
        return this;
    }

    /**
     * Sets a variable of the children's environment.
     *
     * @param name its name; those that begin with {@code IMSG_} are the framework's
     * @param value its value
     * @return this
     * @throws IllegalArgumentException if it is the framework's
     */
    public JvmSettings environment(String name, String value) {
        if (name.startsWith("IMSG_"))
            throw new IllegalArgumentException("the variable is the framework's own: " + name);
        environment.put(name, value);
        return this;
    }

    /** Finds out what main class this is, while it can be seen. */
    void findMain() {
        if (mainClass != null)
            return;
        String started = System.getProperty("jdk.module.main.class");
        mainClass = started != null ? started : outermostMain();
        if (mainClass.startsWith("com.sun.tools.javac.launcher."))
            throw new IllegalStateException(
                    "the program was started from source, as in java Hello.java, and its children "
                            + "cannot be: compile it, or name its classes with jvm(j -> j.classPath(...))");
    }

    private static String outermostMain() {
        StackFrame outermost = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
                .walk(frames -> frames.reduce((_, outer) -> outer).orElseThrow());
        if (!outermost.getMethodName().equals("main"))
            throw new IllegalStateException("the main class cannot be seen from here, the outermost call is "
                    + outermost.getClassName() + "." + outermost.getMethodName()
                    + ": call run from main, or name the main class with jvm(j -> j.classPath(...))");
        return outermost.getClassName();
    }

    /** Whether the program only runs for its caches to be made. */
    boolean isTraining() {
        return AotTraining.isHere();
    }

    /** Makes the caches, if that is asked for, and tells whether it could. */
    boolean train(String program) throws InterruptedException {
        return AotTraining.make(System.getLogger(program), cacheAt(AotTraining.base(), running()), running());
    }

    /**
     * Looks at the cache that the parent itself runs with.
     *
     * @throws IllegalStateException if it is not the one of these jars and options: old classes may run
     */
    void checkOwnCache(String program) {
        if (cacheBase == null || isTraining())
            return;
        AotCache own = cacheAt(cacheBase, running());
        if (java.equals(running()))
            cache = own;
        Path given = null;
        try {
            List<String> line = AotTraining.commandLine();
            given = line.stream().filter(word -> word.startsWith(AOT_CACHE)).reduce((_, last) -> last)
                    .map(word -> Path.of(word.substring(AOT_CACHE.length())).toAbsolutePath()).orElse(null);
            Path fits = own.find(AotTraining.words(line));
            if (given != null && !given.equals(fits))
                throw new IOException("it is not that of the jars and options, and old classes may run");
            if (given == null && fits != null)
                System.getLogger(program).log(System.Logger.Level.INFO,
                        "the parent runs without its AOT cache: it would take " + AOT_CACHE + fits);
        } catch (IOException e) {
            if (given != null)
                throw new IllegalStateException("the program was started with the AOT cache " + given + ", but "
                        + e.getMessage() + ": start it without, or " + AotTraining.advice(cacheBase), e);
        }
    }

    /** A child that runs a role; its channel is still to be given. */
    Child.Builder child(String program, String role, int instance, List<String> roleOptions, List<String> arguments)
            throws IOException {
        List<String> words = new ArrayList<>(List.of(java.toString()));
        words.addAll(options(roleOptions));
        List<String> command = new ArrayList<>(words);
        command.addAll(target());
        command.addAll(arguments);
        if (isTraining()) {
            AotTraining.record(cacheAt(AotTraining.base(), java).of(words), command);
        } else {
            fitting = cache(program, words);
            if (fitting != null)
                command.add(1, AOT_CACHE + fitting);
        }
        Child.Builder child = Child.of(java, command.subList(1, command.size()).toArray(String[]::new)).ownSession();
        environment.forEach(child::environment);
        return child.environment(ChildEnvironment.PROGRAM, program).environment(ChildEnvironment.ROLE, role)
                .environment(ChildEnvironment.INSTANCE, Integer.toString(instance));
    }

    /** The cache that fits; the log says once that there is none. */
    private @Nullable Path cache(String program, List<String> words) {
        if (cacheBase == null)
            return null;
        if (cache == null)
            cache = cacheAt(cacheBase, java);
        try {
            Path found = cache.find(words);
            if (found == null)
                tellOfNoCache(program, "there is none of these jars and options; " + AotTraining.advice(cacheBase));
            return found;
        } catch (IOException e) {
            tellOfNoCache(program, e.toString());
            return null;
        }
    }

    private void tellOfNoCache(String program, String why) {
        if (!toldOfNoCache)
            System.getLogger(program).log(System.Logger.Level.WARNING,
                    "children start without the AOT cache " + cache + ": " + why);
        toldOfNoCache = true;
    }

    private AotCache cacheAt(Path base, Path of) {
        return new AotCache(base, of, entries());
    }

    private static Path running() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }

    private List<Path> entries() {
        return Stream.of((classPath + File.pathSeparator + modulePath).split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty()).map(Path::of).filter(Files::exists).map(Path::toAbsolutePath)
                .toList();
    }

    /** What of it must be readable for a child to start. */
    List<Path> paths() {
        List<Path> paths = new ArrayList<>(entries());
        if (fitting != null)
            paths.add(fitting);
        return paths;
    }

    /** The bytes of the last -Xmx, or its other name, that a child with these options of its own has; empty if there is none. */
    OptionalLong mostHeap(List<String> own) {
        List<String> all = new ArrayList<>(presets ? PRESETS : List.of());
        all.addAll(options);
        all.addAll(own);
        OptionalLong most = OptionalLong.empty();
        for (String option : all) {
            Matcher heap = Pattern.compile("-(?:Xmx|XX:MaxHeapSize=)(\\d{1,12})([kKmMgGtT]?)").matcher(option);
            if (heap.matches())
                most = OptionalLong.of(Long.parseLong(heap.group(1)) << 10 * " kmgt".indexOf(
                        heap.group(2).isEmpty() ? " " : heap.group(2).toLowerCase(Locale.ROOT)));
        }
        return most;
    }

    private List<String> options(List<String> roleOptions) {
        List<String> own = new ArrayList<>(options);
        own.addAll(roleOptions);
        List<String> all = new ArrayList<>(presets ? PRESETS : List.of());
        if (own.stream().anyMatch(option -> option.matches("-XX:\\+Use\\w+GC")))
            all.remove(SERIAL);
        all.add(nativeAccess());
        all.addAll(own);
        return all;
    }

    /** Where the program is, and its main class. */
    private List<String> target() {
        List<String> target = new ArrayList<>();
        if (!modulePath.isEmpty())
            target.addAll(List.of("--module-path", modulePath));
        if (!classPath.isEmpty())
            target.addAll(List.of("--class-path", classPath));
        if (mainModule.isEmpty())
            target.add(mainClass);
        else
            target.addAll(List.of("--module", mainModule + "/" + mainClass));
        return target;
    }

    private String nativeAccess() {
        Module imsg = JvmSettings.class.getModule();
        return "--enable-native-access=" + (imsg.isNamed() && !mainModule.isEmpty() ? imsg.getName() : "ALL-UNNAMED");
    }
}
