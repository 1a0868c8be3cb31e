package org.imsg.cstruct;

import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Member;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;

/** Prints a layout the way pahole(1) does. */
final class Pahole {
    private static final int CACHE_LINE = 64;

    private final StringBuilder out = new StringBuilder();
    private int end;
    private int sum;
    private int holes;
    private int sumOfHoles;

    private Pahole() {}

    static String print(CLayout layout) {
        Pahole pahole = new Pahole();
        pahole.out.append("struct ").append(layout.name()).append(" {\n");
        layout.members().forEach(pahole::member);
        pahole.summary(layout);
        return pahole.out.append(layout.packed() ? "} __attribute__((packed));" : "};").toString();
    }

    private void member(Member member) {
        int hole = member.offset() - end;
        if (hole > 0) {
            out.append("\n\t/* XXX ").append(hole).append(" bytes hole, try to pack */\n\n");
            holes++;
            sumOfHoles += hole;
        }
        out.append("\t%-26s %-20s /* %5d %5d */\n".formatted(declared(member.type()),
                member.name() + dimensions(member.type()) + ";", member.offset(), member.type().size()));
        sum += member.type().size();
        end = member.end();
    }

    private void summary(CLayout layout) {
        out.append("\n\t/* size: %d, cachelines: %d, members: %d */\n".formatted(layout.size(),
                (layout.size() + CACHE_LINE - 1) / CACHE_LINE, layout.members().size()));
        if (holes > 0)
            out.append("\t/* sum members: %d, holes: %d, sum holes: %d */\n".formatted(sum, holes, sumOfHoles));
        if (layout.size() > end)
            out.append("\t/* padding: %d */\n".formatted(layout.size() - end));
    }

    private static String declared(Type type) {
        return switch (type) {
            case Scalar scalar -> scalar.name();
            case Text _ -> "char";
            case Raw _ -> "uint8_t";
            case Struct struct -> "struct " + struct.layout().name();
            case Array array -> declared(array.element());
        };
    }

    private static String dimensions(Type type) {
        return switch (type) {
            case Scalar _,Struct _ -> "";
            case Text text -> dimension(text.size());
            case Raw raw -> dimension(raw.size());
            case Array array -> dimension(array.count()) + dimensions(array.element());
        };
    }

    private static String dimension(int count) {
        return count == 0 ? "[]" : "[" + count + "]";
    }
}
