package org.imsg.netty;

import io.netty.channel.ChannelOption;

/**
 * The options of an {@link ImsgSocketChannel} beside Netty's own, of which it also knows {@link ChannelOption#SO_SNDBUF},
 * {@link ChannelOption#SO_RCVBUF} and {@link ChannelOption#ALLOW_HALF_CLOSURE}.
 *
 * @param <T> the type of the option's value
 */
public final class ImsgChannelOption<T> extends ChannelOption<T> {
    /**
     * Whether descriptors pass in both directions; false unless set: imsgbuf_allow_fdpass. While they do not, one that is written
     * fails its write, and the kernel closes one that is sent to us, without a word: its message says LOST, and bytes
     * without a codec say nothing.
     */
    public static final ChannelOption<Boolean> ALLOW_FD_PASSING = valueOf(ImsgChannelOption.class, "ALLOW_FD_PASSING");

    @SuppressWarnings("deprecation") // ChannelOption is made to be extended by transports this way
    private ImsgChannelOption() {
        super(null);
    }
}
