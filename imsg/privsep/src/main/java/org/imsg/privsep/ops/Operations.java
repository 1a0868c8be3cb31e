package org.imsg.privsep.ops;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.imsg.Imsg;

/** The list of all operations, and the way from a message or a line to its operation. */
final class Operations {
    private static final List<Operation<?, ?>> ALL = List.of(OpenFile.OPERATION, BindSocket.OPERATION,
            ConnectSocket.OPERATION, RunProgram.OPERATION, ChownTree.OPERATION, RemoveTree.OPERATION,
            LookUp.OPERATION, SetClock.OPERATION, SlewClock.OPERATION, OpenPackets.OPERATION,
            ConfigureInterface.OPERATION, Authenticate.OPERATION);

    private Operations() {}

    /** A request as it came, and the time it has; zero means as long as the monitor allows. */
    record Asked(Operation<?, ?> operation, Operation.Request request, Duration deadline) {}

    /** Reads a request. */
    static Asked read(Imsg message) throws MalformedRequestException {
        Fields fields = Fields.of(message);
        Duration deadline = fields.head();
        Operation<?, ?> operation = ALL.stream()
                .filter(each -> each.type() == message.type()).findAny()
                .orElseThrow(() -> new MalformedRequestException("there is no request of type 0x"
                        + Integer.toHexString(message.type())));
        Asked asked = new Asked(operation, operation.parser().read(fields), deadline);
        fields.end();
        return asked;
    }

    /** The operation whose lines begin with a word. */
    static Operation<?, ?> of(String word) {
        return ALL.stream().filter(each -> each.word().equals(word)).findAny()
                .orElseThrow(() -> new IllegalArgumentException("expected user, chroot, "
                        + ALL.stream().map(Operation::word).collect(Collectors.joining(", ")) + ", not " + word));
    }
}
