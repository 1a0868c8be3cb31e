package org.imsg.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;

/**
 * Routes in bgpd 7.7 as Debian 12 has it for 64-bit machines: the numbers of its requests, and where things lie in its structs, in
 * bytes.
 */
public final class BgpdRoutes {
    /** The last message of an answer. */
    public static final int END = 1;
    /** Asks for all routes, and tells one. */
    public static final int SHOW_RIB = 16;
    /** The payload of the request: zeros ask for everything. */
    public static final int RIB_REQUEST_SIZE = 616;
    /** Of a route told. */
    public static final int PREFIX_AT = 96;
    /** The neighbor's address. */
    public static final int NEIGHBOR_AT = 144;
    /** The neighbor's name. */
    public static final int DESCRIPTION_AT = 192;
    /** Whether it is the best, and so on. */
    public static final int FLAGS_AT = 252;
    /** Bits of the prefix. */
    public static final int PREFIX_LENGTH_AT = 256;
    /** Where it comes from. */
    public static final int ORIGIN_AT = 257;
    /** Every route's here. */
    public static final int PREFIX_LENGTH = 24;

    private static final int SHOW_RIB_MEM = 21;
    private static final int NETWORK_ADD = 29;
    private static final int NETWORK_DONE = 34;
    private static final int NETWORK_SIZE = 216;
    private static final int NETWORK_LENGTH_AT = 206;
    private static final int FAMILY_AT = 28;
    private static final byte IPV4 = 1;
    private static final int PREFIXES_AT = 16;
    private static final int FIRST = 10 << 24;

    private BgpdRoutes() {}

    /**
     * Which route it is.
     *
     * @param prefix the address
     * @return its number from 0 on
     */
    public static int number(int prefix) {
        return prefix - FIRST >>> 8;
    }

    /** Tells bgpd so many routes: 10.0.0.0/24 and those behind it. Returns when it has dealt with all of them. */
    static void add(ImsgChannel bgpd, int count) throws IOException {
        byte[] network = new byte[NETWORK_SIZE];
        network[FAMILY_AT] = IPV4;
        network[NETWORK_LENGTH_AT] = PREFIX_LENGTH;
        for (int i = 0; i < count; i++) {
            ByteBuffer.wrap(network).putInt(0, FIRST + (i << 8));
            bgpd.compose(NETWORK_ADD, 0, 0, network);
            bgpd.compose(NETWORK_DONE, 0, 0, new byte[0]);
            if (bgpd.queuedBytes() > Load.BATCH_BYTES)
                bgpd.flush();
        }
        bgpd.flush();
        // Each is in two tables then.
        while (prefixes(bgpd) < 2L * count)
            Thread.onSpinWait();
    }

    private static long prefixes(ImsgChannel bgpd) throws IOException {
        bgpd.send(Imsg.of(SHOW_RIB_MEM));
        Imsg answer = bgpd.receive();
        if (answer == null || answer.type() != SHOW_RIB_MEM)
            throw new IOException("bgpd answers " + answer + " when asked how many routes it has");
        return answer.getIbuf().skip(PREFIXES_AT).getH64();
    }
}
