package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.Callable;

/** A recorded channel against imsg-peer: recording changes nothing that either side can see, but for a reset. */
class ImsgPeerOverRecordingTest extends ImsgPeerContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.RECORDED;
    }

    /** Every byte is written down twice as text: a larger one does not end in time where others use the machine too. */
    @Override
    int load() {
        return 1000;
    }

    /** A proxy cannot make one. */
    @Override
    void assertReset(Callable<Message> receive) throws Exception {
        assertThat(receive.call()).isNull();
    }
}
