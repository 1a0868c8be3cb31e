package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.Callable;

/** A recorded channel against imsg-peer: recording changes nothing that either side can see, but for a reset. */
class ImsgPeerOverRecordingTest extends ImsgPeerContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.RECORDED;
    }

    /** A proxy cannot make one. */
    @Override
    void assertReset(Callable<Message> receive) throws Exception {
        assertThat(receive.call()).isNull();
    }
}
