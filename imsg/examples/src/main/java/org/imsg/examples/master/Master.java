package org.imsg.examples.master;

import static org.imsg.privsep.rights.Promise.CPATH;
import static org.imsg.privsep.rights.Promise.FATTR;
import static org.imsg.privsep.rights.Promise.INET;
import static org.imsg.privsep.rights.Promise.RPATH;
import static org.imsg.privsep.rights.Promise.WPATH;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.imsg.examples.Usage;
import org.imsg.examples.master.Service.Program;
import org.imsg.privsep.Parent;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleSettings;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Namespace;

/**
 * A mail server in small, split as Postfix is. The parent reads a table of services and starts their processes when they are asked for;
 * it sees no message. A message that a client was told to be queued is delivered, and once, whichever of the processes are killed.
 */
public final class Master {
    /** The table as the parent has read it, for the children: the file may be another when one of them starts. */
    private static final String TABLE = "MASTER_TABLE";

    private final List<Service> services;
    private final Path spool;
    private final Path mail;

    private Master(List<Service> services, Path spool, Path mail) {
        this.services = services;
        this.spool = spool;
        this.mail = mail;
    }

    /** Arguments: the table, the directory of the queue, the directory of the mailboxes; both are made if they are not there. */
    public static void main(String... arguments) throws Exception {
        List<String> words = Usage.of(Master.class, "TABLE SPOOL MAIL", arguments);
        String table = System.getenv(TABLE) != null ? System.getenv(TABLE) : Files.readString(Path.of(words.get(0)));
        Master master = new Master(Service.table(table), Path.of(words.get(1)), Path.of(words.get(2)));
        Privsep program = Privsep.program("master").jvm(j -> j.environment(TABLE, table)).parent(master::parent);
        for (Service service : master.services)
            program.role(service.name(), () -> master.role(service.program()), r -> master.rights(service, r));
        System.exit(program.requireConfinement().run(arguments));
    }

    /** In the parent, before any child is started. */
    private Parent parent() {
        try {
            Spool.make(spool, mail, services);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return self -> self.log().log(Level.INFO, services.size() + " services");
    }

    private Role role(Program program) {
        return switch (program) {
            case LISTENER -> new Listener(services);
            case SMTPD -> new Smtpd();
            case CLEANUP -> new Cleanup(Spool.OF_ROOT);
            case QMGR -> new QueueManager(Spool.OF_ROOT, services.stream()
                    .filter(service -> service.program() == Program.DELIVER).mapToInt(Service::processes).sum());
            case DELIVER -> new Deliver(Path.of("/"));
        };
    }

    private RoleSettings rights(Service service, RoleSettings role) {
        RoleSettings its = role.user(Ids.of(service.uid(), service.uid()));
        if (!service.program().isOnDemand())
            its.restart(Duration.ofSeconds(1), Duration.ofSeconds(1));
        return switch (service.program()) {
            case LISTENER -> its.pledge(INET).policy(Policy.of(addresses()));
            case SMTPD -> onDemand(service, its, "listener").pledge().chroot(Spool.empty(spool))
                    .policy(Policy.of("lookup user"));
            case CLEANUP -> alone(onDemand(service, its, names(Program.SMTPD)).connect("qmgr")).chroot(spool)
                    .pledge(RPATH, WPATH, CPATH, FATTR);
            case QMGR -> alone(its).chroot(spool).pledge(RPATH, CPATH);
            case DELIVER -> alone(onDemand(service, its, "qmgr")).chroot(mail).pledge(RPATH, WPATH, CPATH);
        };
    }

    private static RoleSettings onDemand(Service service, RoleSettings role, String... askers) {
        return role.onDemand(d -> d.limit(service.processes()).uses(service.uses()).idle(service.idle())
                .time(Duration.ofMinutes(5)).askedBy(askers));
    }

    /** Without a network. */
    private static RoleSettings alone(RoleSettings role) {
        return role.confine(c -> c.namespaces(Namespace.NET, Namespace.IPC));
    }

    private String[] names(Program program) {
        return services.stream().filter(service -> service.program() == program).map(Service::name)
                .toArray(String[]::new);
    }

    private String[] addresses() {
        return services.stream().flatMap(service -> service.address().stream())
                .map(address -> "bind tcp reuse " + text(address)).toArray(String[]::new);
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }
}
