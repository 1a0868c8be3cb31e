package org.imsg.harness.scripted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.describe.Grammar;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Scripts of both sides talk with each other. */
@Timeout(60)
class ScriptTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final ProtocolDescription PROTOCOL = ProtocolDescription.parse("""
            struct info { int pid; int id; char data[16]; }
            message 1 INFO < info
            message 1 ASK >
            message 2 DONE
            """);

    @TempDir
    private Path directory;

    @Test
    void news_without_end_that_rules_are_for_do_not_keep_a_step_from_its_time() throws Exception {
        try (RawSocket.Pair pair = RawSocket.pair()) {
            Thread daemon = Thread.ofVirtual().start(() -> {
                ByteBuffer many = ByteBuffer.allocate(16 * 4096);
                while (many.hasRemaining())
                    many.put(Event.header(WireFormat.MODERN, 7, 16, false, 0, 1));
                try {
                    for (;;)
                        pair.first().send(many.array());
                } catch (IOException _) {
                    // the client has left
                }
            });
            Talk talk = Talk.parse("on 7\nexpect 8 within=100ms", PROTOCOL, Direction.TO_SERVER);
            try (Conversation client = new Conversation(pair.second(), Direction.TO_SERVER, WireFormat.MODERN, 65535,
                    _ -> {
                        // nothing is recorded
                    })) {
                assertThatThrownBy(() -> talk.with(client, PATIENCE)).isInstanceOf(ScriptFailedException.class)
                        .hasMessageEndingWith("nothing such came within 100 ms");
            }
            daemon.join();
        }
    }

    @Test
    void a_variable_names_a_file() throws Exception {
        Path said = Files.writeString(directory.resolve("said"), "in it");
        Path kept = directory.resolve("kept-said");
        List<Event> events = talk("""
                send 1
                expect 2
                let name=data
                send 3 fd="%s/${name}"
                expect 3 fd=yes
                save "%s/kept-${name}"
                """.formatted(directory, directory), """
                on 1
                    send 2 data=said
                on 3
                    send 3 fd=%s
                """.formatted(said));
        assertThat(kept).hasContent("in it");
        assertThat(events.stream().filter(event -> event.type() == 3).findFirst().orElseThrow().descriptors())
                .containsExactly(said.toString());
    }

    /** The events that the asking side saw. */
    private static List<Event> talk(String asking, String answering) throws Exception {
        List<Event> events = new ArrayList<>();
        Responder responder = Responder.parse(answering, PROTOCOL);
        Talk talk = Talk.parse(asking, PROTOCOL, Direction.TO_SERVER);
        try (RawSocket.Pair pair = RawSocket.pair()) {
            Thread daemon = Thread.ofVirtual().start(() -> {
                try (Conversation client = conversation(pair.first(), Direction.TO_CLIENT, new ArrayList<>())) {
                    responder.serve(client, PATIENCE);
                } catch (IOException | InterruptedException _) {
                    // the client has left
                }
            });
            try (Conversation server = conversation(pair.second(), Direction.TO_SERVER, events)) {
                talk.with(server, PATIENCE);
            } finally {
                daemon.join();
            }
        }
        return events;
    }

    private static Conversation conversation(RawSocket socket, Direction sending, List<Event> events) {
        return new Conversation(socket, sending, WireFormat.MODERN, 65535, events::add);
    }

    @Test
    void a_field_is_reached_whatever_it_is_called_and_a_value_holds_blanks_and_escapes() throws Exception {
        List<Event> events = talk("""
                send ASK
                expect INFO struct.pid=4711 header.pid=99 pid=99 struct.id=0x10 struct.data="full \\"moon\\" #1\\x21"
                """, """
                on ASK
                    send INFO struct.pid=4711 header.pid=99 struct.id="16" struct.data="full \\"moon\\" #1!"  # said
                """);
        assertThat(events.getLast().payload()).startsWith(0x67, 0x12, 0, 0, 16, 0, 0, 0, 'f', 'u', 'l', 'l', ' ', '"');
        assertThat(events.getLast().pid()).isEqualTo(99);
    }

    @Test
    void rules_go_by_the_beginning_the_payload_and_the_count() throws Exception {
        List<Event> events = talk("""
                expect 7 data="who are you?"
                send 5 data="x y"
                expect 50
                send 5
                expect 51 id=0
                send 5 id=9
                expect 52 id=9
                send 6
                expect 6
                send 5
                expect 52
                """, """
                on connect
                    send 7 data="who are you?"
                on 5 data="x y"
                    send 50
                on 5 count=2
                    send 51
                on 5 count=3-
                    send 52
                on *
                    echo
                """);
        assertThat(events.stream().filter(event -> event.direction() == Direction.TO_CLIENT).map(Event::type).toList())
                .containsExactly(7, 50, 51, 52, 6, 52);
    }

    @Test
    void a_variable_from_an_answer_is_said_again() throws Exception {
        List<Event> events = talk("""
                send ASK
                expect INFO
                let who=struct.data
                let pid=struct.pid
                let id=header.id
                send 5 id=$pid data=$who
                send 6 data="${who}, ${pid}!"
                send 7 hex=0${pid}
                expect DONE
                """, """
                on 1
                    send INFO struct.pid=171 struct.data="a \\"b\\" $"
                on 7
                    send DONE
                """);
        List<Event> sent = events.stream().filter(event -> event.direction() == Direction.TO_SERVER).toList();
        assertThat(sent.get(1).id()).isEqualTo(171);
        assertThat(sent.get(1).payload()).asString().isEqualTo("a \"b\" $");
        assertThat(sent.get(2).payload()).asString().isEqualTo("a \"b\" $, 171!");
        assertThat(sent.get(3).payload()).containsExactly(0x01, 0x71);
    }

    @Test
    void descriptors_go_in_a_row_and_what_comes_with_one_is_kept() throws Exception {
        Path in = Files.writeString(directory.resolve("in"), "what is in it");
        Path kept = directory.resolve("kept");
        Path made = directory.resolve("made");
        List<Event> events = talk("""
                send 1 fd=%s
                send 2 fd=%s:w
                expect 3 fd=yes
                save %s
                expect 4 fd=no
                """.formatted(in, made, kept), """
                on 2 fd=yes
                    send 3 fd=%s
                    send 4
                on 1 fd=yes
                """.formatted(in));
        assertThat(events).hasSize(4);
        assertThat(kept).hasContent("what is in it");
        assertThat(made).exists();
    }

    @Test
    void messages_with_a_rule_pass_while_another_is_awaited() throws Exception {
        List<Event> events = talk("""
                on 8
                    send 9 data=seen
                send ASK
                expect DONE
                """, """
                on 1
                    send 8
                    send 8
                    send DONE
                on 9
                """);
        assertThat(events.stream().filter(event -> event.type() == 9 && event.isMessage())).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            expect DONE                   | line 2: expected DONE: type 5 with 2 bytes came
            expect 5 data=no              | line 2: expected 5 data=no: type 5 with 2 bytes came, the payload "no"
            expect end                    | line 2: expected end: type 5 with 2 bytes came
            expect 5;expect 6 within=50ms | line 3: expected 6 within=50ms: nothing such came within 50 ms
            expect 5;send 4;expect 6      | line 4: expected 6: the connection was closed
            expect 5;save /nowhere/file   | line 3: save /nowhere/file: the message has no descriptor
            expect 5;send 5 data=$x       | line 3: there is no variable x: let sets one
            expect 5;let x=struct.pid     | line 3: no struct is described for type 5
            """)
    void what_is_not_as_expected_is_said_with_the_line(String script, String message) {
        assertThatThrownBy(() -> talk("send 1\n" + script.replace(';', '\n'), """
                on 1
                    send 5 data=hi
                on 4
                    close
                """)).isInstanceOf(ScriptFailedException.class).hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            send 1 data="open           | line 1 of the script: a double quote is not closed
            send 1 data="x"y            | line 1 of the script: a quoted value ends with its double quote
            send 1 data="\\q"           | line 1 of the script: an escape is \\n
            send DONE nothing=1         | line 1 of the script: there is no option nothing
            send INFO nothing=1         | line 1 of the script: struct info has no field nothing; it has pid, id, data
            send 1 struct=info pd=1     | line 1 of the script: struct info has no field pd; it has pid, id, data
            send 1 id=many              | line 1 of the script: id= is a number from 0 to 4294967295, not many
            send INFO data=x struct.pid=1 | line 1 of the script: a payload is data=, hex= or the fields
            expect 1 within=soon        | line 1 of the script: a time is such as 250ms, 5s or 2m, not soon
            on 1 count=0                | line 1 of the script: count= is a number
            on                          | line 1 of the script: expected on TYPE, on * or on connect
            let x                       | line 1 of the script: an option is NAME=VALUE, not x
            save                        | line 1 of the script: expected save FILE
            expect                      | line 1 of the script: expected expect TYPE
            expect 1 fd=maybe           | line 1 of the script: fd= is yes or no of a message that comes, not maybe
            expect 1 count=2            | line 1 of the script: there is no option count
            on 1 within=3s              | line 1 of the script: there is no option within
            expect end fd=no            | line 1 of the script: expect end has no condition but within=TIME
            on connect id=1             | line 1 of the script: on connect has no conditions
            expect 1 within=99999999m   | line 1 of the script: a time is at most a year, not 99999999m
            send 1 id=1 header.id=2     | line 1 of the script: id= is given twice: 1 and 2
            send INFO pid=1 struct.pid=2 struct.pid=3 | line 1 of the script: pid= is given twice: 2 and 3
            send 1 hex=123              | line 1 of the script: hex= has two hexadecimal digits a byte, not 123
            send 1 cut=8,x              | line 1 of the script: cut= is numbers of bytes such as 8,20, not 8,x
            send 1 cut=-8               | line 1 of the script: cut= is numbers of bytes such as 8,20, not -8
            echo twice                  | line 1 of the script: echo has no place for twice
            close now                   | line 1 of the script: close has no place for now
            close;send 1                | line 2 of the script: nothing is done behind close
            end 1                       | line 1 of the script: end has no place for 1
            serve 2                     | line 1 of the script: serve has no place for 2
            delay 5 s                   | line 1 of the script: delay has no place for s; a text with blanks
            let x=data y=hex            | line 1 of the script: let has no place for y=hex
            save my file                | line 1 of the script: save has no place for file
            misbehave short-length 3    | line 1 of the script: misbehave has no place for 3
            send 1 fd=                  | line 1 of the script: fd= has no value
            send 1 data=a hex=00        | line 1 of the script: a payload is data=, hex= or the fields
            expect 1 within=            | line 1 of the script: within= has no value
            let x=                      | line 1 of the script: header.type, header.id, header.pid, header.length,
            let 1x=hex                  | line 1 of the script: a variable's name has letters, digits and _, not 1x
            """)
    void a_wrong_line_is_refused_before_anything_is_sent(String script, String message) {
        assertThatThrownBy(() -> Talk.parse(script.replace(';', '\n'), PROTOCOL, Direction.TO_CLIENT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void the_example_of_the_grammar_is_one() {
        String help = Grammar.SCRIPT.text();
        String example = help.substring(help.indexOf("  on connect"), help.indexOf("Grammar")).stripIndent();
        ProtocolDescription protocol = ProtocolDescription.parse("""
                struct ask { int id; }
                struct peer { char name[16]; int pid; }
                struct part { int size; }
                message 1 SHOW_PEER > ask
                message 1 PEER < peer
                message 13 PART part
                """);
        assertThat(Talk.parse(example, protocol, Direction.TO_CLIENT)).isNotNull();
        assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(108));
    }
}
