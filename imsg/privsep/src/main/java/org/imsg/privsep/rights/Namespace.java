package org.imsg.privsep.rights;

/** A thing that processes share unless they are given their own: namespaces(7). */
public enum Namespace {
    /** Mounts: those made or taken away are not seen by others. */
    MOUNT("mnt", 0x0002_0000),
    /** Host name. */
    UTS("uts", 0x0400_0000),
    /** System V IPC and POSIX message queues. Keyrings have no namespace, and are out of reach for the child: keyrings(7). */
    IPC("ipc", 0x0800_0000),
    /** Process numbers: the child is number 1 and cannot name, let alone signal, processes outside. */
    PID("pid", 0x2000_0000),
    /** Network: the child has no interface but its own loopback, which is down; and none of the abstract Unix sockets. */
    NET("net", 0x4000_0000);

    private final String file;
    private final int flag;

    Namespace(String file, int flag) {
        this.file = file;
        this.flag = flag;
    }

    /** Its name in /proc/PID/ns. */
    String file() {
        return file;
    }

    /** CLONE_NEW*. */
    int flag() {
        return flag;
    }
}
