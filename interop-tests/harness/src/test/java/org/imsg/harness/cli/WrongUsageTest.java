package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An error is one line that names the option and what to write; nothing has been connected to then. */
class WrongUsageTest {
    @TempDir
    private Path directory;
    private final StringWriter err = new StringWriter();

    /** No process listens at any socket: what is refused with 2 was refused before. */
    private int imsg(String line) {
        String[] words = line.replace("DIR", directory.toString()).split(" ");
        return ImsgCommand.commandLine().setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(err, true)).execute(words);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            sned s --type 1                          | no command is called sned; did you mean send
            confrmance s --type 1                    | no command is called confrmance; did you mean conformance
            send s --typ 1                           | did you mean --type
            send s --type 1 --recrod f               | no option is called --recrod; did you mean --record
            help scrpt                               | there is no help on scrpt; there is on script, structs, json, probe
            send s --type 1 two                      | one argument too many: two
            send s --type OPEN                       | --type: a type is a number from 0 to 4294967295, not OPEN; for names give --describe FILE
            send s --type 1 --end DONE               | --end: a type is a number
            send s --type 1 --id 4294967296          | '--id': a number from 0 to 4294967295, not 4294967296
            send s --type 1 --pid me                 | '--pid': a number from 0 to 4294967295, not me
            send s --type 1 --hex 123                | '--hex': two hexadecimal digits a byte, not 123
            send s --type 1 --limit 15               | '--limit': a number from 16 to 2147483647, not 15
            send s --type 1 --wait soon              | '--wait': a time is such as 250ms, 5s or 2m, not soon
            send s --type 1 --wait -5s               | '--wait': a time is such as 250ms, 5s or 2m, not -5s
            send s --type 1 --wait 99999999999m      | '--wait': a time is at most a year, not 99999999999m
            send s --type 1 --rows -1                | '--rows': a number from 0 to 2147483647, not -1
            send s --type 1 --struct x a=1           | --struct: no structs are described: name a description file
            conformance s --type 1 --id x            | '--id': a number from 0
            conformance s --type 1 --hex zz          | '--hex': two hexadecimal digits
            conformance s --type 1 --connections 0   | '--connections': a number from 1 to 2147483647, not 0
            conformance s --type 1 --case nothing    | --case: no case is called nothing; there are answers-of-one-kind
            conformance s --type ONE                 | --type: a type is a number
            conformance s --type 1 --answer TWO      | --answer: a type is a number
            fuzz s --type 1 --seconds 0              | '--seconds': a number from 1 to 2147483647, not 0
            fuzz s --type 1 --seed 0x                | '--seed': a whole number from -9223372036854775808 to 9223372036854775807, not 0x
            fuzz s --type 1 --not-type STOP          | --not-type: a type is a number
            replay f s --connection 0                | '--connection': a number from 1 to 2147483647, not 0
            listen s --limit 3                       | '--limit': a number from 16
            send s --type 1 --limit 65536            | --limit: at most 65535 with --format AUTO, not 65536; longer messages need --format MODERN
            send s --type 1 --format CLASSIC --limit 65536 | --limit: at most 65535 with --format CLASSIC
            listen s --limit 65536                   | --limit: at most 65535
            tap s t --limit 65536                    | --limit: at most 65535
            decode DIR --limit 65536                 | --limit: at most 65535
            conformance s --type 1 --format CLASSIC --limit 65536 | --limit: at most 65535
            tap s t --limit 3                        | '--limit': a number from 16
            """)
    void a_wrong_word_is_named_with_what_to_write_instead(String line, String message) {
        assertThat(imsg(line)).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).startsWith("imsg: ").contains(message).hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            send s --type 1 --describe DIR/none      | DIR/none: no such file (--describe)
            talk s --script DIR/none                 | DIR/none: no such file (--script)
            conformance s --type 1 --junit DIR       | DIR cannot be written (--junit): it is a directory
            conformance s --type 1 --junit DIR/no/f  | DIR/no/f cannot be written (--junit): name a file in a directory
            fuzz s --type 1 --out DIR/no/f           | DIR/no/f cannot be written (--out)
            decode DIR/none                          | DIR/none: no such file
            """)
    void a_file_that_cannot_be_used_is_named_with_its_option(String line, String message) {
        assertThat(imsg(line)).isEqualTo(3);
        assertThat(err.toString()).startsWith("imsg: " + message.replace("DIR", directory.toString())).hasLineCount(1);
    }

    @Test
    void a_description_and_a_script_are_read_before_anything_is_connected_to() throws Exception {
        Path wrong = Files.writeString(directory.resolve("wrong"), "say 1\n");
        assertThat(imsg("send s --type 1 --describe " + wrong)).isEqualTo(2);
        assertThat(imsg("listen s --script " + wrong)).isEqualTo(2);
        assertThat(imsg("tap s t --describe " + wrong)).isEqualTo(2);
        assertThat(err.toString()).contains("line 1: protocol, struct or message begins a line, not say",
                "line 1 of the script");
    }
}
