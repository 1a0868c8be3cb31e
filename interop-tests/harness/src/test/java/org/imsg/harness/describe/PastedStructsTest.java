package org.imsg.harness.describe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.imsg.harness.record.Direction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Structs written as headers of daemons write them are read as they stand, at the offsets that C gives them. */
class PastedStructsTest {
    /** In the way of bgpd. */
    private static final ProtocolDescription BGPD = ProtocolDescription.parse("""
            #ifndef _PEERD_H_
            #define _PEERD_H_

            #include <sys/queue.h>
            #define PEER_DESCR_LEN	32
            #define	SET_NAME_LEN	(2 * PEER_DESCR_LEN)	/* with its NUL */
            #define F_STATIC		0x0001
            #define F_MASK(x)		((x) & 0xff)

            /* what the control socket
             * speaks */
            enum imsg_type {
            	IMSG_NONE,
            	IMSG_CTL_END,
            	IMSG_CTL_SHOW_NEIGHBOR = 13,
            	IMSG_CTL_SHOW_RIB,
            };

            enum session_state {
            	STATE_NONE,
            	STATE_IDLE,
            	STATE_ESTABLISHED = 6
            };

            struct peerd_config;

            struct peer_addr {
            	union {
            		struct in_addr		v4;
            		struct in6_addr		v6;
            		uint8_t			addr8[16];
            	} ba;
            	u_int32_t		scope_id;	// of a link
            	uint8_t			aid;
            };
            #define v4 ba.v4

            struct ctl_peer {
            	struct peer_addr	 remote, local[2];
            	TAILQ_ENTRY(ctl_peer)	 entry;
            	char			 descr[PEER_DESCR_LEN], set[SET_NAME_LEN];
            	enum session_state	 state;
            	unsigned int		 flags:8;
            	const char		*reason;
            	struct peerd_config	*config;
            	void			(*done)(struct ctl_peer *, int);
            	time_t			 last_updown;
            	unsigned long long	 bytes;
            	in_port_t		 port;
            };

            struct peerd_config	*new_config(void);
            extern int		 debug;
            int			 host(const char *, struct peer_addr *, uint8_t *);
            #endif /* _PEERD_H_ */

            message IMSG_CTL_SHOW_NEIGHBOR SHOW_NEIGHBOR < struct ctl_peer
            message IMSG_CTL_END END
            """.replace("flags:8", "flags"));

    /** In the way of ntpd and got. */
    private static final ProtocolDescription OTHERS = ProtocolDescription.parse("""
            #define SHA1_DIGEST_LENGTH 20
            #define BIG
            typedef u_int32_t	objtype;
            typedef struct {
            	u_char	 id[SHA1_DIGEST_LENGTH];
            	int	 algo;
            } object_id;
            struct ctl_status {
            	u_int32_t	 peercnt;
            	u_int8_t	 synced;
            	double		 clock_offset;
            	struct timespec	 when;
            } __attribute__((__packed__));
            struct blob {
            	size_t			 size;
            	struct {
            		short		 x;
            		struct name {
            			char	 first[4];
            		} names[2];
            	} inner;
            	union {
            		int		 number;
            		char		 letters[4];
            	};
            	object_id		 id;
            #ifdef BIG
            	int64_t			 big __aligned(16);
            #else
            	int64_t			 small;
            #endif
            	objtype			 type;
            	char			 kind;
            	/* followed by */
            	uint8_t			 data[];
            };
            struct wire {
            	u_char	 a;
            	u_short	 b;
            } __packed;
            message 12 BLOB blob
            message 13 TEXT char[]
            """);

    private static List<String> places(ProtocolDescription protocol, String struct) {
        StructLayout layout = protocol.struct(struct);
        return layout.values(new byte[layout.size() + 2]).stream().map(value -> value.offset() + " " + value.name())
                .toList();
    }

    @Test
    void a_header_of_bgpds_kind_is_read_as_it_stands() {
        assertThat(places(BGPD, "peer_addr")).containsExactly("0 ba.v4", "0 ba.v6", "0 ba.addr8", "16 scope_id",
                "20 aid");
        StructLayout peer = BGPD.struct("ctl_peer");
        assertThat(places(BGPD, "ctl_peer")).contains("0 remote.ba.v4", "24 local[0].ba.v4", "48 local[1].ba.v4",
                "72 entry[0]", "80 entry[1]", "88 descr", "120 set", "184 state", "188 flags", "192 reason",
                "200 config", "208 done", "216 last_updown", "224 bytes", "232 port");
        assertThat(peer.size()).isEqualTo(240);
        assertThat(BGPD.type("SHOW_NEIGHBOR")).isEqualTo(13);
        assertThat(BGPD.payload(13, Direction.TO_CLIENT)).hasValue(peer);
    }

    @Test
    void structs_of_ntpds_and_gots_kind_are_read_as_they_stand() {
        assertThat(places(OTHERS, "ctl_status")).containsExactly("0 peercnt", "4 synced", "5 clock_offset",
                "13 when.tv_sec", "21 when.tv_nsec");
        assertThat(OTHERS.struct("ctl_status").size()).isEqualTo(29);
        assertThat(places(OTHERS, "blob")).containsExactly("0 size", "8 inner.x", "10 inner.names[0].first",
                "14 inner.names[1].first", "20 number", "20 letters", "24 id.id", "44 id.algo", "48 big", "56 type",
                "60 kind", "61 data");
        assertThat(OTHERS.struct("blob").size()).isEqualTo(64);
        assertThat(places(OTHERS, "wire")).containsExactly("0 a", "1 b");
        assertThat(OTHERS.struct("object_id").size()).isEqualTo(24);
        assertThat(OTHERS.payload(13, Direction.NONE).orElseThrow().values("ab".getBytes()).getFirst().text())
                .isEqualTo("\"ab\"");
    }

    @Test
    void an_enum_shows_its_names_and_takes_them_and_numbers() {
        StructLayout peer = BGPD.struct("ctl_peer");
        byte[] named = peer.encode(Map.of("state", "STATE_ESTABLISHED"));
        assertThat(named[184]).isEqualTo((byte) 6);
        assertThat(peer.value(named, "state")).isEqualTo("STATE_ESTABLISHED");
        assertThat(peer.value(peer.encode(Map.of("state", "9")), "state")).isEqualTo("9");
        assertThat(peer.has(named, "state", "6")).isTrue();
        assertThat(peer.has(named, "state", "STATE_IDLE")).isFalse();
    }

    @Test
    void values_have_quotes_and_escapes_and_unions_take_any_member() {
        StructLayout peer = BGPD.struct("ctl_peer");
        byte[] payload = peer.encode(Map.of("descr", "\"full \\\"moon\\\" \\x41\\n#\"", "flags", "\"0x10\"",
                "remote.ba.v4", "192.0.2.1", "local[1].ba.addr8", "20010db8"));
        assertThat(peer.value(payload, "descr")).isEqualTo("full \"moon\" A\n#");
        assertThat(peer.value(payload, "flags")).isEqualTo("16");
        assertThat(peer.value(payload, "remote.ba.addr8")).startsWith("c0000201");
        assertThat(peer.value(payload, "local[1].ba.v6")).isEqualTo("2001:db8:0:0:0:0:0:0");
        assertThat(peer.encode(Map.of("descr", peer.values(payload).stream()
                .filter(value -> value.name().equals("descr")).findFirst().orElseThrow().text())))
                .as("what is shown can be given")
                .satisfies(again -> assertThat(peer.value(again, "descr")).isEqualTo("full \"moon\" A\n#"));
        assertThatThrownBy(() -> peer.encode(Map.of("descr", "\"open"))).hasMessageContaining("double quote");
        assertThatThrownBy(() -> peer.encode(Map.of("descr", "\"\\q\""))).hasMessageContaining("an escape is \\n");
    }

    @Test
    void a_pragma_packs_the_structs_behind_it_and_another_is_refused() {
        ProtocolDescription protocol = ProtocolDescription.parse("""
                #pragma pack(push, 1)
                struct a { char c; int i; };
                #pragma pack(pop)
                struct b { char c; int i; };
                """);
        assertThat(protocol.struct("a").size()).isEqualTo(5);
        assertThat(protocol.struct("b").size()).isEqualTo(8);
        assertThatThrownBy(() -> ProtocolDescription.parse("#pragma pack(2)"))
                .hasMessageStartingWith("line 1: #pragma pack(2) is not known");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            struct x {;char a[LEN];}            | line 2: LEN is not defined: write #define LEN NUMBER above it
            struct x {;u_int a : 3;}            | line 2: a is a bit-field: write one field
            struct x {;struct sockaddr_un a;}   | line 2: there is no type sockaddr_un
            struct x {;int a b;}                | line 2: expected TYPE NAME
            struct x {;int 3;}                  | line 2: expected TYPE NAME
            struct x {;char a[-1];}             | line 2: a count is 0 or more
            struct x {;char a[1/0];}            | line 2: a division by 0
            #define A B;#define B A;struct x {;char a[A];} | line 4: a constant that is defined by itself
            #if A > 2;struct x {;#endif         | line 1: #if A > 2 cannot be decided here: keep the lines
            #ifdef A                            | an #if or #ifdef has no #endif
            #endif                              | line 1: #endif without #if
            struct x {;int a; /* open           | line 2: a comment is not closed
            enum e { A, B                       | enum e is not closed
            enum e { A, = }                     | line 1: expected a name of the enum, not =
            union u {;u8 a[];}                  | line 2: a has no size
            int f(void) {                       | line 1: protocol, struct or message
            struct a { long double x; };        | line 1: a long double has another size on each machine: write byte
            struct a { double long x; };        | line 1: a long double has another size on each machine: write byte
            struct a { u_int x __packed; };     | line 1: x alone is packed: write "at OFFSET" behind it instead
            struct a { char x[4 % (2 - 2)]; };  | line 1: a division by 0
            message NAME OTHER                  | line 1: a type is a number from 0 to 4294967295, or one that a #define
            """)
    void what_cannot_be_read_is_named_with_the_line_and_what_to_write(String text, String message) {
        assertThatThrownBy(() -> ProtocolDescription.parse(text.replaceAll(";(?=\\S)", "\n")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(message);
    }

    @Test
    void the_example_of_the_grammar_is_one() {
        String help = Grammar.STRUCTS.text();
        String example = help.substring(help.indexOf("      protocol ntpd"), help.indexOf("Grammar"));
        StructLayout peer = ProtocolDescription.parse(example).payload(11, Direction.TO_CLIENT).orElseThrow();
        assertThat(peer.size()).isEqualTo(124);
        assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(108));
    }
}
