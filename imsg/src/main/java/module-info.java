/**
 * imsg(3) for Java: framed messages, and the descriptors that travel with them, over Unix stream sockets.
 *
 * <p>Runtime dependencies: none. The native calls go through {@code java.lang.foreign}, so a program that uses this
 * module needs {@code --enable-native-access=org.imsg} (or {@code ALL-UNNAMED} on the class path).
 */
module org.imsg {
    exports org.imsg;
    exports org.imsg.unix;
}
