package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import org.imsg.Ibuf;
import org.imsg.Imsg;

/** What a child asks is a request, allowed or refused, or malformed; what answers it is an answer or an {@code IOException}. */
class RequestFuzzTest {
    private static final int MOST = 16_368;
    private static final Policy POLICY = Policy.of("open read /etc/**", "bind tcp 127.0.0.1:8080",
            "remove /tmp/work/*");

    @FuzzTest
    void a_request_is_malformed_or_refused_or_written_again_as_it_was_read(byte[] input) {
        if (input.length == 0)
            return;
        int type = OperationProtocol.FIRST + (input[0] & 0xFF);
        byte[] payload = Arrays.copyOfRange(input, 1, Math.min(input.length, MOST));
        Operations.Asked asked;
        try {
            asked = Operations.read(Imsg.of(type, 1, 0, payload));
        } catch (MalformedRequestException _) {
            return;
        }
        try {
            POLICY.allowing(asked.request());
        } catch (RefusedException _) {
            // by name
        }
        Ibuf again = asked.request().payload(asked.deadline(), MOST);
        try {
            assertThat(Operations.read(Imsg.of(asked.request().type(), 1, 0, again)).request())
                    .isEqualTo(asked.request());
        } catch (MalformedRequestException e) {
            throw new AssertionError(e);
        }
    }

    @FuzzTest
    void an_answer_is_read_or_fails_with_an_exception_of_input_and_output(byte[] input) {
        if (input.length == 0)
            return;
        byte[] payload = Arrays.copyOfRange(input, 1, Math.min(input.length, MOST));
        Imsg answer = Imsg.of(OperationProtocol.DONE + (input[0] & 0x1F), 1, 0, payload);
        try {
            Reply.list(Reply.checked(answer, "ask", Duration.ofSeconds(1)));
        } catch (IOException _) {
            // what the monitor said, or that it said nothing that can be read
        }
    }
}
