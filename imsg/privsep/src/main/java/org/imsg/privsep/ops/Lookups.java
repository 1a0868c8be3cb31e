package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a child asks the names and numbers of; each answer is a list of strings, as {@link Privileged} reads it. */
final class Lookups {
    private final NameFiles files;

    Lookups(NameFiles files) {
        this.files = files;
    }

    Optional<List<String>> find(Request.Find request) throws IOException {
        String key = request.key();
        return switch (request.kind()) {
            case USER -> (isId(key) ? AccountDatabase.user(id(key)) : AccountDatabase.user(key))
                    .map(user -> List.of(user.name(), Integer.toUnsignedString(user.uid()),
                            Integer.toUnsignedString(user.gid()), user.gecos(), user.home(), user.shell()));
            case GROUP -> (isId(key) ? AccountDatabase.group(id(key)) : AccountDatabase.group(key))
                    .map(group -> Stream.concat(Stream.of(group.name(), Integer.toUnsignedString(group.gid())),
                            group.members().stream()).toList());
            case SERVICE -> files.service(key, request.second());
            case RPC -> files.rpc(key);
            case ETHER -> files.ether(key);
            case HOST -> addresses(key);
            case ADDRESS -> name(key);
            case LOCALTIME -> Optional.of(List.of(offset(key)));
        };
    }

    private static Optional<List<String>> addresses(String host) {
        try {
            return Optional.of(Stream.of(InetAddress.getAllByName(host)).map(InetAddress::getHostAddress).toList());
        } catch (UnknownHostException _) {
            return Optional.empty();
        }
    }

    private static Optional<List<String>> name(String address) throws UnknownHostException {
        InetAddress literal = Endpoint.address(address);
        String name = literal.getCanonicalHostName();
        // Where there is none, the address comes back.
        return name.equals(literal.getHostAddress()) ? Optional.empty() : Optional.of(List.of(name));
    }

    private static String offset(String epochSecond) throws IOException {
        try {
            return Integer.toString(ZoneId.systemDefault().getRules()
                    .getOffset(Instant.ofEpochSecond(Long.parseLong(epochSecond))).getTotalSeconds());
        } catch (NumberFormatException | DateTimeException _) {
            throw new IOException("a local time is asked for by seconds since 1970, not " + epochSecond);
        }
    }

    private static boolean isId(String key) {
        return key.matches("[0-9]{1,10}") && Long.parseLong(key) <= 0xFFFF_FFFFL;
    }

    private static int id(String key) {
        return Integer.parseUnsignedInt(key);
    }
}
