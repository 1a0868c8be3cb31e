package org.imsg.interop;

/** The channel of {@code org.imsg} against imsg-peer. */
class ImsgPeerTest extends ImsgPeerContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.KIND;
    }
}
