package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ChannelSnippetsTest {
    @Test
    void the_documentations_client_and_daemon_understand_each_other(@TempDir Path directory) throws Exception {
        Path socket = directory.resolve("daemon.sock");
        ImsgListener listener = ImsgListener.listen(socket);
        Call<Void> daemon = Call.start(Call.On.VIRTUAL, () -> {
            ChannelSnippets.daemon(listener);
            return null;
        });
        assertThat(ChannelSnippets.client(socket)).isEqualTo(2);
        listener.close();
        daemon.result();
    }
}
