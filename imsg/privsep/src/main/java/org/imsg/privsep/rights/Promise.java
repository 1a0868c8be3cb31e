package org.imsg.privsep.rights;

/**
 * A thing that a program will go on doing, in the manner of OpenBSD's pledge(2); all that it did not promise it can no longer do. What each
 * means on each system stands in the table of the {@linkplain org.imsg.privsep.rights package}.
 */
public enum Promise {
    /**
     * Computing, memory, threads, time, and reading, writing, waiting on and passing the descriptors the process has. Always
     * needed; a JVM's own needs are in it.
     */
    STDIO("stdio prot_exec"),
    /** Open files for reading; look at files, directories and links. */
    RPATH("rpath"),
    /** Open files for writing, truncate them. */
    WPATH("wpath"),
    /** Make, rename and remove files, links and directories. */
    CPATH("cpath"),
    /** Change permission bits, times and extended attributes of files. */
    FATTR("fattr"),
    /** Change owners of files. */
    CHOWN("chown"),
    /** Lock files. */
    FLOCK("flock"),
    /** Internet sockets: make, connect, bind, listen, accept. */
    INET("inet"),
    /** Unix sockets: make, connect, bind, listen, accept. */
    UNIX("unix"),
    /** Ask name servers. */
    DNS("dns"),
    /** Receive descriptors. */
    RECVFD("recvfd"),
    /** Send descriptors. */
    SENDFD("sendfd"),
    /** Start processes, wait for them, signal others. */
    PROC("proc"),
    /** Run other programs; a JVM needs {@link #PROC} for it too. */
    EXEC("exec"),
    /** Change ids, capabilities, priorities and resource limits of this process. */
    ID("id"),
    /** Set the clock. */
    SETTIME("settime");

    private final String openBsd;

    Promise(String openBsd) {
        this.openBsd = openBsd;
    }

    /** The words of pledge(2). A JVM makes code as it runs, so that it cannot do without prot_exec. */
    String openBsd() {
        return openBsd;
    }
}
