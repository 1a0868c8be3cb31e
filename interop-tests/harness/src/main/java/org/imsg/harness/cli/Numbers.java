package org.imsg.harness.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Values of options, refused when the command line is read: nothing has been connected to then. */
final class Numbers {
    private Numbers() {}

    /** A number of a range. */
    private abstract static class Ranged implements ITypeConverter<Integer> {
        private final long least;
        private final long most;

        Ranged(long least, long most) {
            this.least = least;
            this.most = most;
        }

        @Override
        public Integer convert(String text) {
            try {
                long value = text.startsWith("0x") ? Long.parseLong(text.substring(2), 16) : Long.parseLong(text);
                if (value >= least && value <= most)
                    return (int) value;
            } catch (NumberFormatException _) {
                // as below
            }
            throw new TypeConversionException("a number from " + least + " to " + most + ", not " + text);
        }
    }

    /** A peerid or pid. */
    static final class Unsigned extends Ranged {
        Unsigned() {
            super(0, 0xFFFF_FFFFL);
        }
    }

    /** The length of a message, which has a header. */
    static final class MessageLength extends Ranged {
        MessageLength() {
            super(16, Integer.MAX_VALUE);
        }
    }

    /** 1 or more. */
    static final class Positive extends Ranged {
        Positive() {
            super(1, Integer.MAX_VALUE);
        }
    }

    /** 0 or more. */
    static final class Count extends Ranged {
        Count() {
            super(0, Integer.MAX_VALUE);
        }
    }

    /** Any whole number of 64 bits. */
    static final class Seed implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            try {
                return Long.valueOf(text);
            } catch (NumberFormatException _) {
                throw new TypeConversionException(
                        "a whole number from " + Long.MIN_VALUE + " to " + Long.MAX_VALUE + ", not " + text);
            }
        }
    }

    /** Bytes in hexadecimal; blanks between them are left out. */
    static final class Hex implements ITypeConverter<String> {
        @Override
        public String convert(String text) {
            String digits = text.replaceAll("\\s", "");
            if (!digits.matches("(\\p{XDigit}{2})*"))
                throw new TypeConversionException("two hexadecimal digits a byte, not " + text);
            return digits;
        }
    }
}
