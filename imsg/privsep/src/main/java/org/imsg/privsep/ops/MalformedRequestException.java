package org.imsg.privsep.ops;

/** A message is no request: its sender does not keep to the protocol. */
final class MalformedRequestException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedRequestException(String what) {
        super(what);
    }
}
