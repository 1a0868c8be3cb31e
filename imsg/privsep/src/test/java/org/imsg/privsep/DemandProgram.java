package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** A program whose sessions are started on demand; its first argument has the settings. */
final class DemandProgram {
    static final int SERVE = 1, ASK = 2, HEARD = 3, GREET = 4;
    private static final int REHEARSALS = 3;
    static final Ids SESSION = Ids.of(64061, 64061);

    /** The roles as they were last described in this process. */
    static final Map<String, RoleSettings> DESCRIBED = new ConcurrentHashMap<>();

    private DemandProgram() {}

    /** Children find the same in their first argument: {@code limit spares uses waiting}, and what else is asked for. */
    static Privsep program(String settings) {
        String[] words = settings.split(" ");
        Privsep program = Privsep.program("demand").role("session", Session::new, r -> {
            DESCRIBED.put("session", r);
            r.onDemand(d -> d.limit(Integer.parseInt(words[0])).spares(Integer.parseInt(words[1]))
                    .uses(Integer.parseInt(words[2])).waiting(Integer.parseInt(words[3])).askedBy("asker")
                    .rehearsal(REHEARSALS, "pid".getBytes(UTF_8), "hello".getBytes(UTF_8)));
            if (settings.contains("confined"))
                r.user(SESSION).pledge();
            return settings.contains("nice") ? r.confine(c -> c.nice(5)) : r;
        });
        program.role("login", Session::new,
                r -> r.pledge().onDemand(d -> d.startAs(ids -> ids.uid() >= 64_000 && ids.uid() <= 64_100)
                        .askedBy("asker")));
        return program.role("asker", Asker::new, r -> {
            DESCRIBED.put("asker", r);
            return settings.contains("restarting") ? r.restart() : r;
        });
    }

    public static void main(String... arguments) throws Exception {
        System.exit(program(arguments[0]).run(arguments));
    }

    static String text(Imsg message) {
        return message.getStrbuf(message.length());
    }

    private static void write(FdChannel to, String text) throws IOException {
        to.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
    }

    /** Does what a request says, and writes to its connection. */
    static final class Session implements Role {
        private int rehearsed;

        @Override
        public void start(RoleProcess self) {
            self.on(GREET, (from, _) -> from.send(Imsg.of(GREET, self + " greets")));
        }

        @Override
        public void rehearse(RoleProcess self, Imsg request) throws Exception {
            try (FdChannel connection = new FdChannel(request.takeFd())) {
                write(connection, "rehearsal");
                ByteBuffer input = ByteBuffer.allocate(100);
                while (connection.read(input) >= 0)
                    continue;
                if (new String(request.payload(), UTF_8).equals("pid")
                        && new String(input.array(), 0, input.position(), UTF_8).equals("hello"))
                    rehearsed++;
            }
        }

        @Override
        public void serve(RoleProcess self, Imsg request) throws Exception {
            String order = text(request);
            try (FdChannel connection = new FdChannel(request.takeFd())) {
                switch (order) {
                    case "pid" ->
                        write(connection, ProcessHandle.current().pid() + (rehearsed == REHEARSALS ? "" : " cold"));
                    case "user" -> write(connection, Ids.current().toString());
                    case "hold" -> {
                        write(connection, "held");
                        connection.read(ByteBuffer.allocate(1));
                    }
                    case "exit" -> System.exit(7);
                    case "error" -> throw new NoClassDefFoundError("as told");
                    case "throw" -> throw new IOException("as told");
                    case "done twice" -> {
                        self.done();
                        self.done();
                        connection.read(ByteBuffer.allocate(1));
                    }
                    default -> throw new IllegalArgumentException(order);
                }
            }
        }
    }

    /** Asks for sessions as it is told: {@code count order}. */
    static final class Asker implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on("session", GREET, (_, greeting) -> self.parent().send(Imsg.of(HEARD, text(greeting))));
            self.on(Peer.PARENT, ASK, (_, order) -> {
                String what = text(order);
                Fd connection = order.takeFd();
                Thread.ofPlatform().start(() -> ask(self, what, connection));
            });
        }

        private static void ask(RoleProcess self, String what, Fd connection) {
            try {
                if (what.equals("exit"))
                    System.exit(3);
                if (what.startsWith("stranger to "))
                    self.parent().connection().send(Protocol.ask(1, what.substring("stranger to ".length()), 0,
                            Imsg.of(SERVE, "pid")));
                else if (what.equals("flood"))
                    for (int i = 0; i < 3000; i++)
                        self.parent().connection()
                                .send(Protocol.ask(i, "session", 600_000,
                                        Imsg.of(SERVE, "hold").withFd(connection.dup())));
                else
                    self.request("session", Imsg.of(SERVE, what).withFd(connection), Duration.ofSeconds(60))
                            .send(Imsg.of(GREET));
            } catch (Exception e) {
                try {
                    self.parent().send(Imsg.of(HEARD, e.toString()));
                } catch (IOException _) {
                    // it hears nothing
                }
            }
        }
    }
}
