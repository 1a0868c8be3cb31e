package org.imsg.examples.packets;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.imsg.unix.Fd;

/** A socket that receives every frame of every interface: packet(7) of Linux, which takes CAP_NET_RAW. */
final class PacketSocket {
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW_CLOEXEC = 0x80003;
    /** All protocols, ETH_P_ALL, in network order. */
    private static final int EVERYTHING = Short.reverseBytes((short) 3) & 0xFFFF;
    private static final int SOL_PACKET = 263;
    /** Else what goes over the loopback interface would be seen going and coming. */
    private static final int PACKET_IGNORE_OUTGOING = 23;

    private PacketSocket() {}

    static Fd open() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            // int socket(int domain, int type, int protocol);
            MethodHandle socket = bind("socket", JAVA_INT, JAVA_INT, JAVA_INT);
            // int setsockopt(int socket, int level, int name, const void *value, socklen_t length);
            MethodHandle setsockopt = bind("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
            Fd packets = Fd.of(check("socket", (int) socket.invokeExact(AF_PACKET, SOCK_RAW_CLOEXEC, EVERYTHING)));
            try {
                MemorySegment one = arena.allocateFrom(JAVA_INT, 1);
                check("setsockopt", (int) setsockopt.invokeExact(packets.intValue(), SOL_PACKET,
                        PACKET_IGNORE_OUTGOING, one, 4));
                return packets;
            } catch (IOException e) {
                packets.close();
                throw e;
            }
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    private static int check(String call, int result) throws IOException {
        if (result < 0)
            throw new IOException(call + " failed for a packet socket: this takes Linux 4.20 and CAP_NET_RAW");
        return result;
    }

    @SuppressWarnings("restricted")
    private static MethodHandle bind(String name, MemoryLayout... parameters) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(JAVA_INT, parameters));
    }
}
