package org.imsg.interop;

class SmtpdTest extends SmtpdContract {
    @Override
    Transport.Kind kind() {
        return CoreTransport.KIND;
    }
}
