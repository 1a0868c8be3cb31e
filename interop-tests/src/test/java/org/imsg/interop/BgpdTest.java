package org.imsg.interop;

class BgpdTest extends BgpdContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.KIND;
    }
}
