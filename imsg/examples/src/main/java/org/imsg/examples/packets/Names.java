package org.imsg.examples.packets;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.imsg.privsep.ops.PrivilegedLookups;
import org.imsg.privsep.ops.RpcProgram;
import org.imsg.privsep.ops.Service;

/** Makes lines of packets, with the names the parent knows; each is asked for once. */
final class Names {
    private static final int MOST_REMEMBERED = 10_000;
    private static final long SECONDS_AN_HOUR = 3600;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS");

    private final PrivilegedLookups lookups;
    private final Map<Object, String> known = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, String> eldest) {
            return size() > MOST_REMEMBERED;
        }
    };

    Names(PrivilegedLookups lookups) {
        this.lookups = lookups;
    }

    String line(Instant time, Packet packet) {
        StringBuilder line = new StringBuilder(localTime(time));
        if (packet.link().isPresent()) {
            Packet.Link link = packet.link().get();
            line.append(' ').append(ethernet(link.source())).append(" > ").append(ethernet(link.destination()));
            if (packet.ip().isEmpty())
                line.append(String.format(" type %04x", link.type()));
        }
        if (packet.ip().isPresent()) {
            Packet.Ip ip = packet.ip().get();
            line.append(", ").append(host(ip.source())).append(port(ip.sourcePort(), ip.protocol())).append(" > ")
                    .append(host(ip.destination())).append(port(ip.destinationPort(), ip.protocol())).append(": ")
                    .append(ip.protocol());
        }
        if (packet.rpcProgram().isPresent())
            line.append(", call of ").append(rpc(packet.rpcProgram().get()));
        return line.append(", ").append(packet.length()).append(packet.isCut() ? " bytes, cut" : " bytes").toString();
    }

    private interface Lookup {
        Optional<String> find() throws IOException;
    }

    /** Names come from name servers, too: none may end a line or steer a terminal, and one that does not come is no end of the packets. */
    private String name(Object key, String otherwise, Lookup lookup) {
        return known.computeIfAbsent(key,
                _ -> found(otherwise, lookup).replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]", "?"));
    }

    private static String found(String otherwise, Lookup lookup) {
        try {
            return lookup.find().orElse(otherwise);
        } catch (IOException _) {
            return otherwise;
        }
    }

    /** The offset from UTC changes on the hour, if it does. */
    private String localTime(Instant time) {
        String offset = name(time.getEpochSecond() / SECONDS_AN_HOUR, "Z",
                () -> Optional.of(lookups.localTime(time).getOffset().getId()));
        return TIME.format(time.atOffset(ZoneOffset.of(offset)));
    }

    private String ethernet(String address) {
        return name(address, address, () -> lookups.ethernetHost(address));
    }

    private String host(InetAddress address) {
        return name(address, address.getHostAddress(), () -> lookups.hostName(address));
    }

    private String port(int port, String protocol) {
        String number = Integer.toString(port);
        return port == 0
                ? ""
                : "." + name(protocol + port, number, () -> lookups.service(number, protocol).map(Service::name));
    }

    private String rpc(long program) {
        String number = Long.toString(program);
        return name("rpc" + program, number, () -> lookups.rpc(number).map(RpcProgram::name));
    }
}
