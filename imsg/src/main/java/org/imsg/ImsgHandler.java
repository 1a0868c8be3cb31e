package org.imsg;

import java.io.IOException;

/** Takes messages one by one as {@link ImsgChannel#read(ImsgHandler)} finds them. */
@FunctionalInterface
public interface ImsgHandler {
    /**
     * Takes one message.
     *
     * @param message a view, valid inside this call only: {@link ImsgView#copy()} keeps the message, and
     *     {@link ImsgView#takeFd()} keeps its descriptor, which is closed otherwise
     * @throws IOException to end the read; the next read delivers the messages behind this one
     */
    void message(ImsgView message) throws IOException;
}
