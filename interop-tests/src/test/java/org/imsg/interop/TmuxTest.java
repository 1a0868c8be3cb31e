package org.imsg.interop;

class TmuxTest extends TmuxContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.KIND;
    }
}
