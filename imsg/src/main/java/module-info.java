import org.jspecify.annotations.NullMarked;

/**
 * imsg(3) for Java: framed messages, and the descriptors that travel with them, over Unix stream sockets.
 *
 * <p>Runtime dependencies: none. The native calls go through {@code java.lang.foreign}, so a program that uses this
 * module needs {@code --enable-native-access=org.imsg} (or {@code ALL-UNNAMED} on the class path).
 */
@SuppressWarnings("module") // the modules named below are compiled after this module
@NullMarked
module org.imsg {
    requires static jdk.jfr;
    requires static org.jspecify;

    exports org.imsg;
    exports org.imsg.cstruct;
    exports org.imsg.unix;
    exports org.imsg.sys to org.imsg.privsep, org.imsg.netty, org.imsg.harness;
    exports org.imsg.wire to org.imsg.netty, org.imsg.harness;
}
