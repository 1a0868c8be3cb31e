package org.imsg.privsep.rights;

import java.nio.file.Path;
import java.util.stream.Stream;

/** Confinements by words, so that a test and the process it starts speak of the same one. */
final class Descriptions {
    /** Nobody has these numbers; nobody needs to. */
    static final Ids NOBODY = Ids.of(64001, 64002, 64003, 64004);

    private Descriptions() {}

    /** Such as {@code "promise:STDIO,RPATH java read:/etc/hosts ids bound ns:NET,PID root"}. */
    static Confinement of(String words) {
        Confinement confinement = Confinement.none();
        for (String word : words.strip().split(" ")) {
            String[] sides = word.split(":", 2);
            String value = sides.length == 2 ? sides[1] : "";
            confinement = switch (sides[0]) {
                case "promise" -> confinement.promise(Stream.of(value.split(",")).map(Promise::valueOf)
                        .toArray(Promise[]::new));
                case "java" -> confinement.unveilJava();
                case "read" -> confinement.unveil(Path.of(value), Access.READ);
                case "write" -> confinement.unveil(Path.of(value), Access.READ, Access.WRITE);
                case "create" -> confinement.unveil(Path.of(value), Access.values());
                case "exec" -> confinement.unveil(Path.of(value), Access.READ, Access.EXEC);
                case "ids" -> confinement.to(NOBODY);
                case "bound" -> confinement.boundingSet();
                case "bind" -> keep(confinement, Capability.NET_BIND_SERVICE);
                case "keep" -> keep(confinement, Capability.valueOf(value));
                case "ns" -> confinement.namespaces(Stream.of(value.split(",")).map(Namespace::valueOf)
                        .toArray(Namespace[]::new));
                case "root" -> confinement.privateRoot(value.isEmpty()
                        ? PrivateRoot.java()
                        : PrivateRoot.java().readOnly(Path.of(value)));
                case "chroot" -> confinement.chroot(Path.of(value));
                case "bind-tcp" -> confinement.bindTcp(ports(value));
                case "connect-tcp" -> confinement.connectTcp(ports(value));
                case "limit" -> confinement.limit(Resource.valueOf(value.split("=")[0]),
                        Long.parseLong(value.split("=")[1]));
                case "if-possible" -> confinement.ifPossible();
                case "none" -> confinement;
                default -> throw new IllegalArgumentException(word);
            };
        }
        return confinement;
    }

    private static int[] ports(String list) {
        return list.isEmpty() ? new int[0] : Stream.of(list.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    private static Confinement keep(Confinement confinement, Capability capability) {
        return confinement.boundingSet(capability).ambient(capability);
    }
}
