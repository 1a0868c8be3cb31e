package org.imsg.fuzz;

import java.util.List;

/**
 * What came out of a stream.
 *
 * @param messages in order
 * @param closed the descriptors that no message has, in the order they were closed
 * @param bad whether the stream ended at a header that cannot be one
 */
record Outcome(List<Message> messages, List<Integer> closed, boolean bad) {
    /** A message; sum is that of its payload's bytes, each times its place. */
    record Message(int type, int length, int id, int pid, int descriptor, int sum) {
        Message without() {
            return new Message(type, length, id, pid, -1, sum);
        }
    }

    List<Message> withoutDescriptors() {
        return messages.stream().map(Message::without).toList();
    }
}
