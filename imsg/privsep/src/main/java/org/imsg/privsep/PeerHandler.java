package org.imsg.privsep;

import org.imsg.Imsg;

/** Takes the messages of one type. */
@FunctionalInterface
public interface PeerHandler {
    /**
     * One message.
     *
     * @param from who sent it: known by the channel it came through, whatever its header says
     * @param message the message; its descriptor is closed after this call unless it was {@linkplain Imsg#takeFd() taken}.
     *     A thread for the descriptors of this peer carries out the close a little later: a sender can have it wait
     * @throws Exception logged, and the message is dropped; a {@link org.imsg.TruncatedMessageException}, which says
     *     that the payload is shorter than the handler reads, counts as the sender's {@linkplain OnViolation violation}
     */
    void message(Peer from, Imsg message) throws Exception;
}
