package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * All clients: {@code Clients ON-DEMAND BGPD SERVER...}, sockets all, BGPD empty if there is none. A cycle's request is its seed and its
 * {@link Load}; it is answered when all clients have ended.
 */
final class Clients {
    /** How the servers are used at a time. */
    private enum Phase {
        FEW, MANY, DESCRIPTORS, DEATHS, PAUSE
    }

    private static final int LONGEST_PAUSE_MILLIS = 500;
    private static final int FEW_CONNECTIONS = 2, SHORTENED = 20;

    private final Path onDemand;
    private final String bgpd;
    private final List<Path> servers;
    private final Tally tally = new Tally();

    private Clients(Path onDemand, String bgpd, List<Path> servers) {
        this.onDemand = onDemand;
        this.bgpd = bgpd;
        this.servers = servers;
    }

    public static void main(String... args) throws IOException {
        List<Path> servers = List.of(args).subList(2, args.length).stream().map(Path::of).toList();
        Control.serve(new Clients(Path.of(args[0]), args[1], servers)::cycle, () -> System.exit(0));
    }

    private String cycle(String request) throws Exception {
        String[] words = request.split(" ");
        Random random = new Random(Long.parseLong(words[0]));
        Load load = Load.valueOf(words[1]);
        for (int round = 0; round < load.rounds; round++) {
            List<Phase> phases = new ArrayList<>(List.of(Phase.values()));
            Collections.shuffle(phases, random);
            for (Phase phase : phases)
                run(phase, load, random);
        }
        return tally.toString();
    }

    private void run(Phase phase, Load load, Random random) throws Exception {
        List<Callable<Void>> clients = new ArrayList<>();
        if (phase == Phase.PAUSE) {
            Thread.sleep(random.nextInt(LONGEST_PAUSE_MILLIS));
            return;
        }
        for (Path server : servers)
            add(clients, phase, server, load, random);
        for (int i = random.nextInt(load.sessions + 1); i > 0; i--)
            clients.add(client(phase, onDemand, 1 + random.nextInt(SHORTENED), random));
        if (!bgpd.isEmpty() && phase != Phase.DEATHS) {
            Random own = new Random(random.nextLong());
            clients.add(() -> {
                BgpdTalk.hold(Path.of(bgpd), own, load.networks, tally);
                return null;
            });
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Void> client : threads.invokeAll(clients))
                client.get();
        }
    }

    private void add(List<Callable<Void>> clients, Phase phase, Path server, Load load, Random random) {
        int count = switch (phase) {
            case FEW, DESCRIPTORS, PAUSE -> FEW_CONNECTIONS;
            case MANY -> 1 + random.nextInt(load.connections);
            case DEATHS -> 1 + random.nextInt(load.deaths);
        };
        int questions = phase == Phase.MANY ? 1 + load.questions / SHORTENED : load.questions;
        for (int i = 0; i < count; i++)
            clients.add(client(phase, server, 1 + random.nextInt(questions), random));
    }

    private Callable<Void> client(Phase phase, Path server, int questions, Random random) {
        Random own = new Random(random.nextLong());
        return () -> {
            if (phase == Phase.DEATHS)
                DyingClient.die(server, own, tally);
            else
                new Conversation(tally, own).hold(server, questions, phase == Phase.DESCRIPTORS);
            return null;
        };
    }
}
