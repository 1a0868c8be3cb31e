package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Opens a packet socket of Linux: packet(7). Its filter is there before its first frame, and locked. A socket can be bound to another interface
 * by whoever has it, so that the filter looks at the interface, too.
 */
record OpenPackets(String networkInterface) implements Operation.Request {
    static final Operation<OpenPackets, Rule> OPERATION = new Operation<>(Effect.NONE, 11, "packet", OpenPackets::read,
            Rule::of, OpenPackets::perform);
    /** The form of an interface's name. */
    static final String NAME = "[^/\\s\\p{Cntrl}]{1,15}";
    private static final int AF_PACKET = 17;
    private static final int SOCK_RAW = 3;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int SO_LOCK_FILTER = 44;
    private static final int ETHERTYPE_ALL = 3;
    private static final int ETHERTYPE_IP = 0x0800;

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        Fields.addString(payload, networkInterface);
    }

    private static OpenPackets read(Fields fields) throws MalformedRequestException {
        OpenPackets packets = new OpenPackets(fields.string("interface"));
        if (!packets.networkInterface.matches(NAME))
            throw new MalformedRequestException("an interface has a name of 1 to 15 characters");
        return packets;
    }

    @Override
    public String toString() {
        return "receive packets of " + networkInterface;
    }

    /** {@code packet ethertype=NUMBER[,NUMBER]|udp=PORT[,PORT] INTERFACE}. */
    record Rule(List<Integer> etherTypes, List<Integer> udpPorts, String networkInterface)
            implements
                Operation.Rule<OpenPackets> {
        private static final int MOST = 16;

        private static Rule of(PolicyLine line) {
            line.options("ethertype=", "udp=");
            List<Integer> types = numbers(line.option("ethertype="), "0x[0-9a-fA-F]{1,4}");
            List<Integer> ports = numbers(line.option("udp="), "[0-9]{1,5}");
            if (types.isEmpty() == ports.isEmpty())
                throw new IllegalArgumentException("expected either ethertype= or udp=");
            String name = line.next("an interface");
            if (!name.matches(NAME))
                throw new IllegalArgumentException("expected the name of an interface, not " + name);
            return new Rule(types.isEmpty() ? List.of(ETHERTYPE_IP) : types, ports, name);
        }

        private static List<Integer> numbers(Optional<String> option, String form) {
            if (option.isEmpty())
                return List.of();
            List<Integer> numbers = Stream.of(option.get().split(",", -1)).map(each -> {
                if (!each.matches(form) || Integer.decode(decimal(each)) > 0xFFFF)
                    throw new IllegalArgumentException("expected numbers such as "
                            + (form.startsWith("0x") ? "0x0800" : "68") + ", not " + each);
                return Integer.decode(decimal(each));
            }).toList();
            if (numbers.size() > MOST)
                throw new IllegalArgumentException("expected at most " + MOST + " numbers, not " + numbers.size());
            return numbers;
        }

        /** Takes the zeros away that would make a number an octal one. */
        private static String decimal(String text) {
            return text.replaceFirst("^0+(?=[0-9])", "");
        }

        @Override
        public Verdict verdict(OpenPackets request) {
            return request.networkInterface.equals(networkInterface) ? Verdict.ALLOWED : Verdict.NOT_CONCERNED;
        }
    }

    private static Answer perform(Permit<OpenPackets, Rule> permit) throws IOException {
        try (RouteSocket routes = RouteSocket.open(permit.request().networkInterface)) {
            return Answer.descriptor(open(permit.rule(), routes.index()));
        }
    }

    private static Fd open(Rule rule, int index) throws IOException {
        // Without a protocol it receives nothing until it is bound.
        Fd socket = Fd.of(check("socket", "packet", Posix.socket(AF_PACKET, SOCK_RAW | Constants.SOCK_CLOEXEC, 0)));
        try (Arena arena = Arena.ofConfined()) {
            set(socket, SO_ATTACH_FILTER, filter(arena, rule, index));
            set(socket, SO_LOCK_FILTER, arena.allocateFrom(JAVA_INT, 1));
            MemorySegment address = arena.allocate(20, 4);
            address.set(JAVA_SHORT, 0, (short) AF_PACKET);
            int protocol = rule.etherTypes.size() == 1 ? rule.etherTypes.getFirst() : ETHERTYPE_ALL;
            address.set(JAVA_SHORT, 2, Short.reverseBytes((short) protocol));
            address.set(JAVA_INT, 4, index);
            check("bind", rule.networkInterface, Posix.bind(socket.intValue(), address.address(), 20));
            return socket;
        } catch (IOException | RuntimeException | Error e) {
            socket.close();
            throw e;
        }
    }

    private static void set(Fd socket, int option, MemorySegment value) throws ErrnoException {
        check("setsockopt", option, Posix.setsockopt(socket.intValue(), Constants.SOL_SOCKET, option, value.address(),
                (int) value.byteSize()));
    }

    private static MemorySegment filter(Arena arena, Rule rule, int index) {
        List<Instruction> program = program(rule, index);
        MemorySegment instructions = arena.allocate(8L * program.size(), 8);
        for (int i = 0; i < program.size(); i++) {
            Instruction each = program.get(i);
            instructions.set(JAVA_SHORT, 8L * i, (short) each.code);
            instructions.set(JAVA_BYTE, 8L * i + 2, (byte) each.whenTrue);
            instructions.set(JAVA_BYTE, 8L * i + 3, (byte) each.whenFalse);
            instructions.set(JAVA_INT, 8L * i + 4, each.operand);
        }
        MemorySegment pointer = arena.allocate(16, 8);
        pointer.set(JAVA_SHORT, 0, (short) program.size());
        pointer.set(JAVA_LONG, 8, instructions.address());
        return pointer;
    }

    /** A struct sock_filter of classic BPF. */
    private record Instruction(int code, int whenTrue, int whenFalse, int operand) {
        private static final int LOAD_WORD = 0x20;
        private static final int LOAD_HALF = 0x28;
        private static final int LOAD_BYTE = 0x30;
        private static final int LOAD_HALF_AT_X = 0x48;
        private static final int X_IS_HEADER_LENGTH = 0xB1;
        private static final int JUMP_EQUAL = 0x15;
        private static final int JUMP_ANY_BIT = 0x45;
        private static final int RETURN = 0x06;
        /** Offsets that Linux gives a meaning of their own: a frame's protocol and interface, and its network header. */
        private static final int PROTOCOL = -0x1000;
        private static final int INTERFACE = -0x1000 + 8;
        private static final int NETWORK = -0x100000;
    }

    private static List<Instruction> program(Rule rule, int index) {
        List<Instruction> program = new ArrayList<>();
        program.add(new Instruction(Instruction.LOAD_WORD, 0, 0, Instruction.INTERFACE));
        oneOf(program, List.of(index));
        if (!rule.etherTypes.contains(ETHERTYPE_ALL)) {
            program.add(new Instruction(Instruction.LOAD_HALF, 0, 0, Instruction.PROTOCOL));
            oneOf(program, rule.etherTypes);
        }
        if (!rule.udpPorts.isEmpty()) {
            program.add(new Instruction(Instruction.LOAD_BYTE, 0, 0, Instruction.NETWORK + 9));
            oneOf(program, List.of(17));
            // A later fragment has no ports.
            program.add(new Instruction(Instruction.LOAD_HALF, 0, 0, Instruction.NETWORK + 6));
            program.add(new Instruction(Instruction.JUMP_ANY_BIT, 0, 1, 0x1FFF));
            program.add(new Instruction(Instruction.RETURN, 0, 0, 0));
            program.add(new Instruction(Instruction.X_IS_HEADER_LENGTH, 0, 0, Instruction.NETWORK));
            program.add(new Instruction(Instruction.LOAD_HALF_AT_X, 0, 0, Instruction.NETWORK + 2));
            oneOf(program, rule.udpPorts);
        }
        program.add(new Instruction(Instruction.RETURN, 0, 0, 1 << 18));
        return program;
    }

    /** Goes on if what was loaded is one of the values, and drops the frame if not. */
    private static void oneOf(List<Instruction> program, List<Integer> values) {
        for (int i = 0; i < values.size(); i++)
            program.add(new Instruction(Instruction.JUMP_EQUAL, values.size() - i, 0, values.get(i)));
        program.add(new Instruction(Instruction.RETURN, 0, 0, 0));
    }
}
