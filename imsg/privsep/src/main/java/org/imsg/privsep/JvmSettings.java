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
    private static final String AOT_RECORD = "imsg.privsep.aot.record";
    private static final List<String> INHERITED = List.of("LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH");

    private final List<String> options = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    private String classPath = System.getProperty("java.class.path", "");
    private String modulePath = System.getProperty("jdk.module.path", "");
    private String mainModule = System.getProperty("jdk.module.main", "");
    private @Nullable String mainClass;
    private boolean presets = true;
    private boolean recording;
    private @Nullable Path cacheBase = property(AOT);
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
     * Starts the children with an AOT cache that a training run has made, as {@code -Dimsg.privsep.aot=FILE} does, which counts
     * more. It lies beside this path, with a hash of the program's jars added to the name, and is used for those jars only:
     * after an upgrade the children start without one, which the log says once, until there is another training run.
     *
     * @param file the path that {@code -Dimsg.privsep.aot.record} had; readable for every role, in a directory that only the
     *     administrator can write to, for there is code in it
     * @return this
     */
    public JvmSettings aotCache(Path file) {
        if (property(AOT) == null)
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

    /** Whether the program only runs for a cache to be made. */
    boolean isTraining() {
        return System.getProperty(AOT_RECORD) != null;
    }

    /** A child that runs a role; its channel is still to be given. */
    Child.Builder child(String program, String role, int instance, List<String> roleOptions, List<String> arguments)
            throws IOException {
        List<String> command = command(roleOptions);
        if (!isTraining()) {
            Path file = cache(program);
            if (file != null)
                command.addFirst(AOT_CACHE + file);
        } else if (!recording) {
            recording = true;
            command.addFirst("-XX:AOTCacheOutput=" + cacheAt(Path.of(System.getProperty(AOT_RECORD))).renew());
        }
        command.addAll(arguments);
        Child.Builder child = Child.of(java, command.toArray(String[]::new)).ownSession();
        environment.forEach(child::environment);
        return child.environment(ChildEnvironment.PROGRAM, program).environment(ChildEnvironment.ROLE, role)
                .environment(ChildEnvironment.INSTANCE, Integer.toString(instance));
    }

    /** The cache that fits; the log says once that there is none. */
    private @Nullable Path cache(String program) {
        if (cacheBase == null)
            return null;
        if (cache == null)
            cache = cacheAt(cacheBase);
        try {
            fitting = cache.find();
            if (fitting == null)
                tellOfNoCache(program, "there is none of these jars; make it with -D" + AOT_RECORD + "=" + cacheBase);
        } catch (IOException e) {
            fitting = null;
            tellOfNoCache(program, e.toString());
        }
        return fitting;
    }

    private void tellOfNoCache(String program, String why) {
        if (!toldOfNoCache)
            System.getLogger(program).log(System.Logger.Level.WARNING,
                    "children start without the AOT cache " + cache + ": " + why);
        toldOfNoCache = true;
    }

    private AotCache cacheAt(Path base) {
        return new AotCache(base, entries(), nativeAccess());
    }

    private static @Nullable Path property(String name) {
        String value = System.getProperty(name);
        return value == null ? null : Path.of(value);
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

    /** The bytes of the last -Xmx that a child with these options of its own has; empty if there is none. */
    OptionalLong mostHeap(List<String> own) {
        List<String> all = new ArrayList<>(presets ? PRESETS : List.of());
        all.addAll(options);
        all.addAll(own);
        OptionalLong most = OptionalLong.empty();
        for (String option : all) {
            Matcher heap = Pattern.compile("-Xmx(\\d{1,12})([kKmMgG]?)").matcher(option);
            if (heap.matches())
                most = OptionalLong.of(Long.parseLong(heap.group(1)) << 10 * " kmg".indexOf(
                        heap.group(2).isEmpty() ? " " : heap.group(2).toLowerCase(Locale.ROOT)));
        }
        return most;
    }

    private List<String> command(List<String> roleOptions) {
        List<String> own = new ArrayList<>(options);
        own.addAll(roleOptions);
        List<String> command = new ArrayList<>(presets ? PRESETS : List.of());
        if (own.stream().anyMatch(option -> option.matches("-XX:\\+Use\\w+GC")))
            command.remove(SERIAL);
        command.add(nativeAccess());
        command.addAll(own);
        if (!modulePath.isEmpty())
            command.addAll(List.of("--module-path", modulePath));
        if (!classPath.isEmpty())
            command.addAll(List.of("--class-path", classPath));
        if (mainModule.isEmpty())
            command.add(mainClass);
        else
            command.addAll(List.of("--module", mainModule + "/" + mainClass));
        return command;
    }

    private String nativeAccess() {
        Module imsg = JvmSettings.class.getModule();
        return "--enable-native-access=" + (imsg.isNamed() && !mainModule.isEmpty() ? imsg.getName() : "ALL-UNNAMED");
    }
}
