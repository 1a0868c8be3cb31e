package org.imsg.harness.describe;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Constant expressions of C: numbers, names of {@code #define} and enum, + - * / % << >> | & ~, brackets and sizeof. */
final class Constants {
    private static final int DEEPEST = 64;
    /** For all of a description: definitions that double each other are not followed to their end. */
    private static final int MOST_READ = 100_000;
    private static final List<List<String>> LEVELS = List.of(List.of("|"), List.of("&"), List.of("<<", ">>"),
            List.of("+", "-"), List.of("*", "/", "%"));

    private final Tokens defines;
    private final Map<String, Long> enumerators = new LinkedHashMap<>();
    private final ToIntFunction<String> sizes;
    private int read;

    /** Sizes of types are asked for by name. */
    Constants(Tokens defines, ToIntFunction<String> sizes) {
        this.defines = defines;
        this.sizes = sizes;
    }

    void add(String enumerator, long value) {
        enumerators.put(enumerator, value);
    }

    boolean knows(String name) {
        return enumerators.containsKey(name) || defines.defined(name) != null;
    }

    long value(List<Tokens.Token> expression) {
        return value(expression, 0);
    }

    private long value(List<Tokens.Token> expression, int depth) {
        Reading reading = new Reading(expression.stream().map(Tokens.Token::text).toList(), depth);
        long value = reading.level(0, depth);
        if (reading.next != null)
            throw new IllegalArgumentException("a number, not " + String.join(" ", reading.all));
        return value;
    }

    private final class Reading {
        private final List<String> all;
        private final Iterator<String> rest;
        private final int depth;
        private @Nullable String next;

        Reading(List<String> all, int depth) {
            if (depth > DEEPEST || ++read > MOST_READ)
                throw new IllegalArgumentException("a constant that is defined by itself, or nested too deep");
            this.all = all;
            this.depth = depth;
            rest = all.iterator();
            take();
        }

        private String take() {
            String taken = next == null ? "" : next;
            next = rest.hasNext() ? rest.next() : null;
            return taken;
        }

        long level(int level, int nesting) {
            if (level == LEVELS.size())
                return operand(nesting);
            long value = level(level + 1, nesting);
            while (next != null && LEVELS.get(level).contains(next)) {
                String sign = take();
                long right = level(level + 1, nesting);
                if (right == 0 && (sign.equals("/") || sign.equals("%")))
                    throw new IllegalArgumentException("a division by 0");
                value = switch (sign) {
                    case "|" -> value | right;
                    case "&" -> value & right;
                    case "<<" -> value << right;
                    case ">>" -> value >> right;
                    case "+" -> Math.addExact(value, right);
                    case "-" -> Math.subtractExact(value, right);
                    case "*" -> Math.multiplyExact(value, right);
                    case "/" -> value / right;
                    default -> value % right;
                };
            }
            return value;
        }

        private long operand(int nesting) {
            if (nesting > DEEPEST)
                throw new IllegalArgumentException("a constant that is nested too deep");
            String word = take();
            if (word.equals("-"))
                return Math.negateExact(operand(nesting + 1));
            if (word.equals("~"))
                return ~operand(nesting + 1);
            if (word.equals("(")) {
                long value = level(0, nesting + 1);
                closing();
                return value;
            }
            if (word.matches("'.'"))
                return word.charAt(1);
            if (word.matches("(0[xX]\\p{XDigit}+|\\d+)[uUlL]*"))
                return Long.decode(word.replaceAll("[uUlL]+$", ""));
            if (word.equals("sizeof") && take().equals("(")) {
                StringBuilder type = new StringBuilder(take());
                while (next != null && !next.equals(")"))
                    type.append(' ').append(take());
                closing();
                return sizes.applyAsInt(type.toString());
            }
            Long enumerator = enumerators.get(word);
            if (enumerator != null)
                return enumerator;
            String defined = defines.defined(word);
            if (defined == null || defined.isEmpty())
                throw new IllegalArgumentException(word.matches("[A-Za-z_]\\w*")
                        ? word + " is not defined: write #define " + word + " NUMBER above it"
                        : "a number, not " + String.join(" ", all));
            return value(Tokens.of(defined), depth + nesting + 1);
        }

        private void closing() {
            if (!take().equals(")"))
                throw new IllegalArgumentException("a bracket is not closed in " + String.join(" ", all));
        }
    }
}
