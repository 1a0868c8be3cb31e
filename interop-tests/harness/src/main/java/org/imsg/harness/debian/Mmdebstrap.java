package org.imsg.harness.debian;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How the root directory of one chroot is made.
 *
 * @param suite which Debian
 * @param packages what it has besides the smallest Debian
 * @param mirror where the packages come from
 * @param keyring whose signatures are trusted
 */
record Mmdebstrap(DebianSuite suite, List<String> packages, String mirror, Path keyring) {
    private static final Duration LIMIT = Duration.ofMinutes(10);

    /** Local mail needs a user that receives it. */
    private static final String MAIL_USER = "chroot \"$1\" useradd --create-home tuser";

    /** What the content depends on. Another mirror carries the same packages. */
    String stamp() {
        return suite.codename() + " " + String.join(",", packages) + " " + MAIL_USER;
    }

    void fill(Path directory, Path scratch) throws IOException, InterruptedException, PeerUnavailableException {
        ProcessBuilder settings = new ProcessBuilder().redirectInput(new File("/dev/null"));
        settings.environment().put("TMPDIR", scratch.toString());
        settings.environment().put("LC_ALL", "C.UTF-8");
        ChrootOutcome outcome = TiedProcess.run(settings, commandLine(directory), scratch, LIMIT);
        if (outcome.status() != 0) {
            throw new PeerUnavailableException(
                    "no " + suite.codename() + " chroot could be made from " + mirror + ": "
                            + reason(outcome.errors()));
        }
    }

    /** In namespaces of its own: the end of mmdebstrap ends all it started and all it mounted. */
    private List<String> commandLine(Path directory) {
        List<String> line = new ArrayList<>(List.of("unshare", "--mount", "--pid", "--fork",
                "--kill-child=KILL", "--mount-proc", "mmdebstrap", "--quiet", "--variant=minbase",
                "--keyring=" + keyring, "--aptopt=Acquire::Check-Valid-Until \"false\"",
                "--customize-hook=" + MAIL_USER));
        if (!packages.isEmpty()) {
            line.add("--include=" + String.join(",", packages));
        }
        line.addAll(List.of(suite.codename(), directory.toString(), mirror));
        return line;
    }

    /** The first error in the log is the cause, those after it its consequences. */
    private static String reason(String errors) {
        List<String> lines = errors.lines().toList();
        return lines.stream().filter(line -> line.matches("E: .*")).findFirst()
                .or(() -> lines.reversed().stream().filter(line -> !line.isBlank()).findFirst())
                .map(line -> line.replaceFirst("^E: ", "").strip()).orElse("mmdebstrap did not say why");
    }
}
