package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.Path;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;

/** What the README shows of giving up rights, word for word: a test holds the two against each other. */
final class RightsExamples {
    // @formatter:off
    static void web() throws IOException {
        PrivilegeDrop.to(Ids.ofUser("www-data"))                  // or Ids.fromEnvironment(): UID, GID, GIDLIST
            .chroot(Path.of("/srv/www"))
            .rlimit(Resource.NOFILE, 256, 256)
            .performOrExit();
        Confinement.none().promise(Promise.STDIO, Promise.RPATH, Promise.INET).enter();
    }

    static final Confinement PARSER = Confinement.none()
            .promise(Promise.STDIO)
            .unveilJava().unveil(Path.of("/usr/share/misc"), Access.READ)
            .namespaces(Namespace.NET, Namespace.PID)
            .boundingSet()
            .to(Ids.of(64001, 64001));

    static Child parent(Path java, String classPath, Fd channel) throws IOException {
        return PARSER.spawnJava(Child.of(java, "-cp", classPath, "org.example.Parser").descriptor(3, channel));
    }

    static void child() throws IOException {
        Preload.standard();
        PARSER.complete();                                        // proves it in every thread, narrows to STDIO
    }

    static void becomeTheServer() throws IOException {
        Exec.of(Path.of("httpd"), "-f")
            .confined(Confinement.none().to(Ids.ofUser("www-data")).limit(Resource.NOFILE, 256).nice(5))
            .lock(Path.of("/run/httpd.lock"), false)
            .perform();                                           // does not return
    }
    // @formatter:on

    private RightsExamples() {}
}
