package org.imsg.examples.master;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import org.imsg.examples.master.Service.Program;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table of services. */
class ServiceTest {
    @Test
    void each_line_is_a_service_but_for_comments_and_empty_ones() {
        assertThat(Service.table("""
                # service program user maxproc max_use max_idle address
                smtp  smtpd 64021 10 20 60 127.0.0.1:25   # for the network

                qmgr  qmgr  64023 1  -  -  -
                """)).containsExactly(
                new Service("smtp", Program.SMTPD, 64021, 10, 20, Duration.ofSeconds(60),
                        Optional.of(new InetSocketAddress("127.0.0.1", 25))),
                new Service("qmgr", Program.QMGR, 64023, 1, 0, Duration.ZERO, Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            smtp smtpd 64021 10 20 60;              it has 7 columns, not 6
            smtp postd 64021 10 20 60 -;            there is no program postd
            smtp smtpd 0 10 20 60 127.0.0.1:25;     expected a number, not 0
            smtp smtpd 64021 10 20 60 -;            smtpd has an address, and no other program has one
            cleanup cleanup 64021 10 20 60 [::1]:1; smtpd has an address, and no other program has one
            smtp smtpd 64021 10 20 60 127.0.0.1;    expected ADDRESS:PORT, not 127.0.0.1
            mail cleanup 64021 10 20 60 -;          others know the service of cleanup by this name
            qmgr qmgr 64023 2 - - -;                there is 1 process of qmgr, and it stays: 1 - -
            """)
    void a_fault_is_named_with_its_line(String line, String fault) {
        assertThatIllegalArgumentException().isThrownBy(() -> Service.table("# a table\n" + line))
                .withMessage("line 2 of the table: " + fault);
    }
}
