package org.imsg;

import java.io.IOException;

/** Takes messages one by one as {@link ImsgChannel#read(ImsgHandler)} finds them. */
@FunctionalInterface
public interface ImsgHandler {
    /**
     * One message.
     *
     * @param message a view of it, valid inside this call only; what is to be kept is copied, a descriptor that is to
     *     be kept is {@linkplain ImsgView#takeFd taken}
     * @throws IOException to end the read; the messages behind this one are delivered by the next
     */
    void message(ImsgView message) throws IOException;
}
