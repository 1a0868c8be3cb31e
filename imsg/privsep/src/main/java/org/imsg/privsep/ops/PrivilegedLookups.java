package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.imsg.Imsg;

/**
 * Looks up names and numbers where the parent sees them, as {@code lookup} lines allow. For any number of threads; every method throws as those of
 * {@link Privileged} do.
 */
public final class PrivilegedLookups {
    private final Asking asking;

    PrivilegedLookups(Asking asking) {
        this.asking = asking;
    }

    /** Sends a request and waits for the answer. */
    interface Asking {
        Imsg ask(LookUp request) throws IOException;
    }

    /**
     * Looks up a user by name: getpwnam(3).
     *
     * @param name the name
     * @return the user, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<User> user(String name) throws IOException {
        return find(LookUp.Kind.USER, name, "").map(PrivilegedLookups::user);
    }

    /**
     * Looks up a user by id: getpwuid(3).
     *
     * @param uid the id, 0 to 4294967294
     * @return the user, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<User> user(long uid) throws IOException {
        return user(Long.toString(uid));
    }

    private static User user(List<String> found) {
        return new User(found.get(0), Long.parseLong(found.get(1)),
                Long.parseLong(found.get(2)), found.get(3), found.get(4), found.get(5));
    }

    /**
     * Looks up a group by name: getgrnam(3).
     *
     * @param name the name
     * @return the group, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<Group> group(String name) throws IOException {
        return find(LookUp.Kind.GROUP, name, "").map(found -> new Group(found.get(0),
                Long.parseLong(found.get(1)), found.subList(2, found.size())));
    }

    /**
     * Looks up a group by id: getgrgid(3).
     *
     * @param gid the id, 0 to 4294967294
     * @return the group, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<Group> group(long gid) throws IOException {
        return group(Long.toString(gid));
    }

    /**
     * Looks up a service: getservbyname(3), getservbyport(3), as far as /etc/services knows it.
     *
     * @param nameOrPort its name, one of its other names, or its port
     * @param protocol such as {@code tcp}; empty for the first of any
     * @return the service, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<Service> service(String nameOrPort, String protocol) throws IOException {
        return find(LookUp.Kind.SERVICE, nameOrPort, protocol).map(found -> new Service(found.get(0),
                Integer.parseInt(found.get(1)), found.get(2), found.subList(3, found.size())));
    }

    /**
     * Lists the services: getservent(3), as far as /etc/services knows them.
     *
     * @return the services, in the order of the file
     * @throws IOException as {@link Privileged} says
     */
    public List<Service> services() throws IOException {
        return all(LookUp.Kind.SERVICE).stream().map(words -> new Service(words.get(0), Integer.parseInt(words.get(1)),
                words.get(2), words.subList(3, words.size()))).toList();
    }

    /**
     * Looks up a protocol: getprotobyname(3), getprotobynumber(3), as far as /etc/protocols knows it.
     *
     * @param nameOrNumber its name, one of its other names, or its number
     * @return the protocol, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<InternetProtocol> protocol(String nameOrNumber) throws IOException {
        return find(LookUp.Kind.PROTOCOL, nameOrNumber, "").map(PrivilegedLookups::protocol);
    }

    /**
     * Lists the protocols: getprotoent(3), as far as /etc/protocols knows them.
     *
     * @return the protocols, in the order of the file
     * @throws IOException as {@link Privileged} says
     */
    public List<InternetProtocol> protocols() throws IOException {
        return all(LookUp.Kind.PROTOCOL).stream().map(PrivilegedLookups::protocol).toList();
    }

    private static InternetProtocol protocol(List<String> words) {
        return new InternetProtocol(words.get(0), Integer.parseInt(words.get(1)), words.subList(2, words.size()));
    }

    private List<List<String>> all(LookUp.Kind kind) throws IOException {
        List<List<String>> all = new ArrayList<>();
        List<String> some;
        do {
            some = find(kind, "", Integer.toString(all.size())).orElse(List.of());
            some.forEach(words -> all.add(List.of(words.split(" "))));
        } while (!some.isEmpty());
        return all;
    }

    /**
     * Looks up an RPC program: getrpcbyname(3), getrpcbynumber(3), as far as /etc/rpc knows it.
     *
     * @param nameOrNumber its name, one of its other names, or its number
     * @return the program, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<RpcProgram> rpc(String nameOrNumber) throws IOException {
        return find(LookUp.Kind.RPC, nameOrNumber, "").map(found -> new RpcProgram(found.get(0),
                Long.parseLong(found.get(1)), found.subList(2, found.size())));
    }

    /**
     * Looks up the ethernet address of a host: ether_hostton(3), as far as /etc/ethers knows it.
     *
     * @param host the host's name
     * @return such as {@code 00:11:22:33:44:55}, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<String> ethernetAddress(String host) throws IOException {
        return find(LookUp.Kind.ETHER, host, "").map(List::getFirst);
    }

    /**
     * Looks up the host of an ethernet address: ether_ntohost(3), as far as /etc/ethers knows it.
     *
     * @param ethernetAddress six hexadecimal numbers with colons between them
     * @return the host's name, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<String> ethernetHost(String ethernetAddress) throws IOException {
        return find(LookUp.Kind.ETHER, ethernetAddress, "").map(List::getLast);
    }

    /**
     * Looks up the addresses of a host, as the parent's resolver finds them.
     *
     * @param host its name
     * @return the addresses; none if there is no such host
     * @throws IOException as {@link Privileged} says
     */
    public List<InetAddress> addresses(String host) throws IOException {
        return find(LookUp.Kind.HOST, host, "").orElse(List.of()).stream().map(InetAddress::ofLiteral).toList();
    }

    /**
     * Looks up the name of an address.
     *
     * @param address the address
     * @return the host's name, or empty if there is none
     * @throws IOException as {@link Privileged} says
     */
    public Optional<String> hostName(InetAddress address) throws IOException {
        return find(LookUp.Kind.ADDRESS, address.getHostAddress(), "").map(List::getFirst);
    }

    /**
     * The local time at an instant, by the parent's time zone, which a chroot hides.
     *
     * @param instant the instant
     * @return the same instant with the offset from UTC
     * @throws IOException as {@link Privileged} says
     */
    public OffsetDateTime localTime(Instant instant) throws IOException {
        String offset = find(LookUp.Kind.LOCALTIME, Long.toString(instant.getEpochSecond()), "").orElseThrow()
                .getFirst();
        return instant.atOffset(ZoneOffset.ofTotalSeconds(Integer.parseInt(offset)));
    }

    private Optional<List<String>> find(LookUp.Kind kind, String key, String second) throws IOException {
        try (Imsg answer = asking.ask(new LookUp(kind, key, second))) {
            return answer.type() == OperationProtocol.ABSENT ? Optional.empty() : Optional.of(Reply.list(answer));
        }
    }
}
