package org.imsg.harness.record;

/** Which way something went. */
public enum Direction {
    /** From the one who connected to the one who listens. */
    TO_SERVER('>', "client -> server"),
    /** From the one who listens to the one who connected. */
    TO_CLIENT('<', "server -> client"),
    /** Neither: a remark about the connection. */
    NONE('-', "");

    private final char sign;
    private final String text;

    Direction(char sign, String text) {
        this.sign = sign;
        this.text = text;
    }

    /** {@return the sign that recordings have for it} */
    public char sign() {
        return sign;
    }

    /** {@return the other way} */
    public Direction opposite() {
        return switch (this) {
            case TO_SERVER -> TO_CLIENT;
            case TO_CLIENT -> TO_SERVER;
            case NONE -> NONE;
        };
    }

    static Direction of(String sign) {
        for (Direction direction : values())
            if (sign.equals(String.valueOf(direction.sign)))
                return direction;
        throw new IllegalArgumentException("a direction is >, < or -, not " + sign);
    }

    /** {@return in words} */
    @Override
    public String toString() {
        return text;
    }
}
