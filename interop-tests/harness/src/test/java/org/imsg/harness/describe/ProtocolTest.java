package org.imsg.harness.describe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;

import org.imsg.WireFormat;
import org.assertj.core.groups.Tuple;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.TimeT;
import org.imsg.cstruct.U8;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProtocolTest {
    private static final ProtocolDescription NTPD = ProtocolDescription.parse("""
            # ntpd 7.9, amd64
            protocol ntpd
            struct ctl_show_peer {
                char   peer_desc[80]
                u8     syncedto
                u8     weight
                u8     trustlevel
                u8     stratum
                time_t next
                time_t poll
                f64    offset
                f64    delay
                f64    jitter
            }
            struct inner { # padded to 8
                u16 port
                u32 number
                ipv4 address
            }
            struct outer {
                u8 first
                inner both[2]
                n16 wire;
                i8 small
                byte rest[]
            }
            message 11 SHOW_PEERS >
            message 11 PEER < ctl_show_peer
            message 12 PEERS_END int
            """);

    @Test
    void offsets_and_sizes_follow_the_rules_of_C() {
        // Sizes and offsets of the real struct: char[80], syncedto at 80, next at 88, offset at 104, 128 bytes in all.
        StructLayout peer = NTPD.struct("ctl_show_peer");
        assertThat(peer.size()).isEqualTo(128);
        assertThat(peer.values(new byte[128])).extracting(StructLayout.Value::name, StructLayout.Value::offset)
                .contains(Tuple.tuple("stratum", 83),
                        Tuple.tuple("next", 88),
                        Tuple.tuple("jitter", 120));
        StructLayout outer = NTPD.struct("outer");
        assertThat(NTPD.struct("inner").size()).isEqualTo(12);
        assertThat(outer.values(new byte[40])).extracting(value -> value.offset() + " " + value.name())
                .containsExactly("0 first", "4 both[0].port", "8 both[0].number", "12 both[0].address",
                        "16 both[1].port",
                        "20 both[1].number", "24 both[1].address", "28 wire", "30 small", "31 rest");
    }

    /** The same struct, for its compiled layout. */
    public record CtlShowPeer(@CString(80) String peerDesc, @U8 int syncedto, @U8 int weight, @U8 int trustlevel,
            @U8 int stratum, @TimeT long next, @TimeT long poll, double offset, double delay, double jitter) {}

    @Test
    void a_described_struct_lies_where_the_same_one_as_a_record_does() {
        CLayout described = NTPD.struct("ctl_show_peer").layout();
        CLayout compiled = CStruct.of(CtlShowPeer.class).layout();
        assertThat(described.name()).isEqualTo(compiled.name());
        assertThat(described.size()).isEqualTo(compiled.size());
        assertThat(described.members()).extracting(CLayout.Member::name, CLayout.Member::offset, CLayout.Member::end)
                .isEqualTo(compiled.members().stream()
                        .map(member -> Tuple.tuple(member.name(), member.offset(), member.end())).toList());
    }

    @Test
    void packed_and_named_places_are_as_they_say() {
        ProtocolDescription protocol = ProtocolDescription.parse("""
                struct tight packed {
                    u8 a
                    u64 b
                }
                struct wide size 100 {
                    u32 as at 16
                    char name[4] at 30
                }
                """);
        assertThat(protocol.struct("tight").size()).isEqualTo(9);
        assertThat(protocol.struct("wide").size()).isEqualTo(100);
        assertThat(protocol.struct("wide").values(new byte[100])).extracting(StructLayout.Value::offset)
                .containsExactly(16, 30);
    }

    @Test
    void what_is_encoded_is_read_again() {
        Map<String, String> values = Map.of("first", "255", "both[1].port", "65535", "both[1].address", "127.0.0.1",
                "wire", "258", "small", "-128", "rest", "0102ff");
        byte[] payload = NTPD.struct("outer").encode(values);
        assertThat(payload).hasSize(34);
        assertThat(payload[28]).as("network order").isEqualTo((byte) 1);
        assertThat(NTPD.struct("outer").values(payload)).filteredOn(value -> values.containsKey(value.name()))
                .allSatisfy(value -> assertThat(value.text()).isEqualTo(values.get(value.name())));
    }

    @Test
    void a_string_ends_at_its_NUL_and_what_is_behind_it_is_not_shown() {
        byte[] payload = new byte[128];
        System.arraycopy(new byte[]{'p', 'o', 'o', 'l', 0, 'x', 'y'}, 0, payload, 0, 7);
        assertThat(NTPD.struct("ctl_show_peer").values(payload).getFirst().text()).isEqualTo("\"pool\"");
    }

    @Test
    void a_payload_of_another_size_is_remarked_on_with_both() {
        assertThat(NTPD.struct("ctl_show_peer").sizeRemark(127))
                .isEqualTo("struct ctl_show_peer has 128 bytes, the payload has 127");
        assertThat(NTPD.struct("ctl_show_peer").values(new byte[100])).extracting(StructLayout.Value::name)
                .as("what is wholly there").endsWith("next");
        assertThat(NTPD.struct("outer").sizeRemark(31)).isEmpty();
        assertThat(NTPD.struct("outer").sizeRemark(30)).contains("31 bytes or more");
    }

    @Test
    void names_depend_on_the_direction() {
        assertThat(NTPD.typeName(11, Direction.TO_SERVER)).isEqualTo("SHOW_PEERS");
        assertThat(NTPD.typeName(11, Direction.TO_CLIENT)).isEqualTo("PEER");
        assertThat(NTPD.typeName(99, Direction.TO_CLIENT)).isEmpty();
        assertThat(NTPD.type("PEERS_END")).isEqualTo(12);
        assertThat(NTPD.type("4294967295")).isEqualTo(-1);
        assertThatThrownBy(() -> NTPD.type("PEER_END")).hasMessageContaining("SHOW_PEERS, PEER, PEERS_END");
    }

    /** A short payload of a message that is described as a long one costs what the payload has. */
    @Test
    void of_a_huge_array_only_the_elements_that_are_there_are_looked_at() {
        StructLayout huge = ProtocolDescription.parse("struct x {\nu32 a[2000][2000]\n}").struct("x");
        assertThat(huge.places(6)).extracting(FieldPlace::name).containsExactly("a[0][0]", "a[0][1]");
        assertThat(huge.values(new byte[6])).extracting(StructLayout.Value::name).containsExactly("a[0][0]");
        assertThat(huge.places(huge.size())).hasSize(4_000_000);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            struct x {;u8 a;                    | struct x is not closed
            struct x {;what a;}                 | line 2: there is no type what
            struct x {;u8 a[];u8 b;}            | line 3: a is a flexible array, which can only be the last member
            struct x {;u8 a;u8 a;}              | line 3: there are two members a
            struct x {;u64 a;u8 b at 4;}        | line 3: b at 4 is inside the member before it, which ends at 8
            struct x {;u8 a;u64 b at 4;}        | line 3: b at 4 is not aligned to 8
            struct x size 3 {;u32 a;}           | line 3: the size 3 is less than the 4 bytes of the members of struct x
            struct u8 {;}                       | line 1: there is a type u8 already
            struct x {;u8 a[99999999];}         | line 2: a struct has at most 16777216 bytes
            struct x {;u8 a[9999999];u8 b[9999999];} | line 3: a struct has at most 16777216 bytes, not 19999998
            struct x {;u8 a;u8 b at 99999999;}  | line 3: a struct has at most 16777216 bytes, not 100000000
            struct x {;u8 a[];};struct y {;x a;} | line 5: a has a struct in it that ends in a flexible array
            struct x size 99999999 {;u8 a;}     | line 3: a struct has at most 16777216 bytes, not 99999999
            struct x {;u8 a;} __aligned(33554432)  | line 3: a struct has at most 16777216 bytes, not 33554432
            (                                   | line 1: protocol, struct or message begins a line, not (
            message x NAME                      | line 1: a type is a number
            message 1                           | line 1: expected message TYPE NAME
            hello                               | line 1: protocol, struct or message begins a line
            """)
    void a_wrong_line_is_named_with_what_is_wrong(String text, String message) {
        assertThatThrownBy(() -> ProtocolDescription.parse(text.replace(';', '\n')))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            first       | 256        | 256 does not fit into 1 bytes
            small       | 128        | 128 does not fit into 1 bytes with a sign
            first       | one        | first is a number, not one
            nothing     | 1          | struct outer has no field nothing; it has first
            both[0].address | host   | an address of 4 bytes in digits, not host
            """)
    void a_value_that_does_not_fit_is_refused(String field, String value, String message) {
        assertThatThrownBy(() -> NTPD.struct("outer").encode(Map.of(field, value)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(message);
    }

    @Test
    void events_are_printed_in_columns_with_their_fields() {
        Event event = Event.message(Direction.TO_CLIENT, WireFormat.CLASSIC, 12, 3, 77, new byte[]{5, 0, 0, 0},
                List.of("/etc/hosts")).at(1_500_000_000L, 2);
        String[] lines = new EventPrinter(NTPD, false, 4).text(event).split("\n");
        assertThat(lines[0].strip().split("\\s+")).containsExactly("1.500000", "2", "<-", "12", "PEERS_END", "3", "77",
                "20", "classic", "/etc/hosts");
        assertThat(lines[1].strip().split("\\s+")).containsExactly("0", "value", "5");
        Event unknown = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 0, "hello\n".getBytes(
                java.nio.charset.StandardCharsets.US_ASCII), List.of());
        assertThat(new EventPrinter(ProtocolDescription.NONE, false, 4).text(unknown)).contains("68 65 6c 6c 6f 0a",
                "|hello.|");
    }

    @Test
    void events_are_written_as_JSON() {
        Event event = Event.message(Direction.TO_CLIENT, WireFormat.CLASSIC, 12, 3, -1, new byte[]{5, 0, 0, 0},
                List.of("a\"b")).at(1_500_000_000L, 2);
        assertThat(new EventJson(NTPD).text(event)).isEqualTo("{\"time\":1.500000000,\"connection\":2,"
                + "\"direction\":\"to-client\",\"kind\":\"message\",\"type\":12,\"name\":\"PEERS_END\",\"id\":3,"
                + "\"pid\":4294967295,\"length\":20,\"format\":\"classic\",\"marked\":true,\"payload\":\"05000000\","
                + "\"struct\":\"int\",\"fields\":{\"value\":5},\"descriptors\":[\"a\\\"b\"]}");
    }

    @Test
    void fields_are_JSON_of_the_type_they_have_in_C() {
        ProtocolDescription protocol = ProtocolDescription.parse("""
                enum kind { ONE = 1 };
                struct in { u16 port; ipv4 address; };
                struct all {
                    i8 small; u32 most; u64 wide; i64 when; bool yes; f64 half; f32 none;
                    char text[8]; char letter; byte id[3]; enum kind kind; char *pointer;
                    in both[2]; int numbers[2]; char names[2][2];
                    union { u16 word; u8 low; } either;
                    struct { n16 wire; };
                    byte rest[];
                };
                message 1 ALL all
                """);
        StructLayout all = protocol.struct("all");
        byte[] payload = all.encode(Map.ofEntries(Map.entry("small", "-128"), Map.entry("most", "4294967295"),
                Map.entry("wide", "18446744073709551615"), Map.entry("when", "-1"), Map.entry("yes", "1"),
                Map.entry("half", "0.5"), Map.entry("none", "NaN"), Map.entry("text", "\"a\\\"\\xc3\\xa9\\x01\""),
                Map.entry("letter", "z"), Map.entry("id", "0102ff"), Map.entry("kind", "ONE"),
                Map.entry("both[1].address", "192.0.2.1"), Map.entry("numbers[0]", "-7"), Map.entry("names[1]", "xy"),
                Map.entry("either.word", "258"), Map.entry("wire", "443"), Map.entry("rest", "dead")));
        assertThat(all.json(payload)).isEqualTo("""
                {"small":-128,"most":4294967295,"wide":"18446744073709551615","when":"-1","yes":true,"half":0.5,\
                "none":null,"text":"a\\"\\u00e9\\u0001","letter":"z","id":"0102ff","kind":1,"pointer":"0",\
                "both":[{"port":0,"address":"0.0.0.0"},{"port":0,"address":"192.0.2.1"}],"numbers":[-7,0],\
                "names":["","xy"],"either":{"word":258,"low":2},"wire":443,"rest":"dead"}""");
        assertThat(all.json(new byte[5])).as("what is wholly there").isEqualTo("{\"small\":0}");
        assertThat(all.json(new byte[0])).isEqualTo("{}");
    }
}
