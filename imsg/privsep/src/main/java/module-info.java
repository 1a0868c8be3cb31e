import org.jspecify.annotations.NullMarked;

/**
 * Privilege separation for JVM programs: a parent that keeps its rights, children with few, joined by imsg.
 *
 * <p>The native calls are {@code org.imsg}'s, so a program needs {@code --enable-native-access=org.imsg} and no other flag.
 */
@NullMarked
module org.imsg.privsep {
    requires static jdk.jfr;
    requires static org.jspecify;
    requires transitive org.imsg;

    exports org.imsg.privsep;
    exports org.imsg.privsep.ops;
    exports org.imsg.privsep.rights;
}
