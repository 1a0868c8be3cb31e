package org.imsg.cstruct;

import org.imsg.Ibuf;
import org.imsg.Imsg;

/** The examples of the Javadoc. */
final class CStructSnippets {
    private static final int SHOW_NEIGHBOR = 13;

    // @start region="describe"
    /** {@code struct ctl_neighbor { char descr[32]; uint32_t remote_as; in_port_t port; struct timer timers[2]; }} */
    public record CtlNeighbor(@CString(32) String descr, @U32 long remoteAs, @NetworkOrder @U16 int port,
            @ArrayOf(2) Timer[] timers) {}

    public record Timer(@U32 long type, @TimeT long left) {}

    static final CStruct<CtlNeighbor> CTL_NEIGHBOR = CStruct.of(CtlNeighbor.class);
    // @end

    private CStructSnippets() {}

    static Imsg request(CtlNeighbor wanted) {
        return Imsg.of(SHOW_NEIGHBOR, CTL_NEIGHBOR.toBytes(wanted));
    }

    static CtlNeighbor use(CtlNeighbor neighbor) {
        // @start region="use"
        Imsg message = Imsg.of(SHOW_NEIGHBOR, CTL_NEIGHBOR.toBytes(neighbor));
        CtlNeighbor same = message.getData(CTL_NEIGHBOR); // the whole payload, or an error with both sizes

        Ibuf two = Ibuf.dynamic(0, 1024).add(CTL_NEIGHBOR, neighbor).add(CTL_NEIGHBOR, same);
        CtlNeighbor first = two.get(CTL_NEIGHBOR); // the next 72 bytes
        // @end
        two.close();
        return first;
    }
}
