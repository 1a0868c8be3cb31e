package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.harness.describe.Grammar;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The man pages, made of what the program shows as its help. */
final class ManualPages {
    private static final Map<Grammar, String> SUBJECTS = Map.of(Grammar.SCRIPT,
            "language of the scripts of imsg talk and imsg listen", Grammar.STRUCTS,
            "language that describes messages and structs to imsg", Grammar.JSON, "output of imsg with \\-\\-json");

    private final CommandLine program = ImsgCommand.commandLine();
    private final String date;
    private final String version = program.getCommandSpec().version()[0];

    ManualPages(Instant time) {
        date = time.atOffset(ZoneOffset.UTC).toLocalDate().toString();
    }

    /** Writes man1 and man5 into a directory. */
    void write(Path man) throws IOException {
        Map<String, String> pages = new TreeMap<>();
        pages.put("man1/imsg.1", command("imsg", program.getCommandSpec()));
        program.getSubcommands().forEach((name, command) -> pages.put("man1/imsg-" + name + ".1",
                command("imsg-" + name, command.getCommandSpec())));
        for (Grammar grammar : Grammar.values())
            pages.put("man5/imsg-" + grammar + ".5", grammar(grammar));
        for (Map.Entry<String, String> page : pages.entrySet()) {
            Path file = man.resolve(page.getKey());
            Files.createDirectories(file.getParent());
            Files.writeString(file, page.getValue());
        }
    }

    private StringBuilder head(String name, int section, String subject) {
        return new StringBuilder(".TH " + name.toUpperCase(Locale.ROOT).replace("-", "\\-") + " " + section + " " + date
                + " \"" + version + "\" \"imsg manual\"\n.nh\n.ad l\n.SH NAME\n" + escaped(name) + " \\- " + subject
                + "\n");
    }

    private String command(String name, CommandSpec command) {
        String[] description = command.usageMessage().description();
        StringBuilder page = head(name, 1, escaped(description[0].replaceFirst("\\.$", "")));
        page.append(".SH SYNOPSIS\n").append(styled(synopsis(command))).append("\n.SH DESCRIPTION\n");
        for (String line : description)
            page.append(styled(line)).append('\n');
        commands(page, command);
        arguments(page, command);
        page.append(".SH EXIT STATUS\n");
        program.getCommandSpec().usageMessage().exitCodeList()
                .forEach((code, meaning) -> page.append(".TP\n.B ").append(code).append('\n')
                        .append(styled(meaning)).append(".\n"));
        page.append(".SH EXAMPLES\n");
        String[] footer = command.usageMessage().footer();
        literal(page, Arrays.asList(footer).subList(1, footer.length));
        return page.append(seeAlso(name)).toString();
    }

    private static String synopsis(CommandSpec command) {
        return new Help(command, Help.defaultColorScheme(Ansi.OFF)).synopsis(0).strip().replaceAll("\\s+", " ");
    }

    private static void commands(StringBuilder page, CommandSpec command) {
        if (command.subcommands().isEmpty())
            return;
        page.append(".SH COMMANDS\n");
        command.subcommands().forEach((name, one) -> page.append(".TP\n.BR imsg\\-").append(name).append(" (1)\n")
                .append(styled(one.getCommandSpec().usageMessage().description()[0])).append('\n'));
    }

    private static void arguments(StringBuilder page, CommandSpec command) {
        if (!command.positionalParameters().isEmpty())
            page.append(".SH ARGUMENTS\n");
        command.positionalParameters().forEach(each -> argument(page, "\\fI" + escaped(each.paramLabel()) + "\\fR",
                each));
        page.append(".SH OPTIONS\n");
        for (OptionSpec option : command.options())
            if (!option.hidden())
                argument(page, Arrays.stream(option.names()).map(name -> "\\fB" + escaped(name) + "\\fR")
                        .collect(Collectors.joining(", ")) + value(option), option);
    }

    private static String value(OptionSpec option) {
        if (option.arity().max() == 0)
            return "";
        String label = escaped(option.paramLabel().replaceAll("[<>]", ""));
        return "=\\fI" + label + "\\fR" + (option.splitRegex().isEmpty() ? "" : "[,\\fI" + label + "\\fR...]");
    }

    private static void argument(StringBuilder page, String names, ArgSpec argument) {
        page.append(".TP\n").append(names).append('\n');
        String[] description = argument.description();
        for (int i = 0; i < description.length; i++)
            page.append(i == 0 ? "" : ".br\n").append(styled(description[i])).append('\n');
    }

    private String seeAlso(String name) {
        List<String> pages = new ArrayList<>();
        if (!name.equals("imsg"))
            pages.add("imsg 1");
        else
            program.getSubcommands().keySet().forEach(command -> pages.add("imsg-" + command + " 1"));
        for (Grammar grammar : Grammar.values())
            if (!name.equals("imsg-" + grammar))
                pages.add("imsg-" + grammar + " 5");
        return ".SH SEE ALSO\n" + pages.stream().map(page -> page.split(" "))
                .map(words -> ".BR " + escaped(words[0]) + " (" + words[1] + ")").collect(Collectors.joining(" ,\n"))
                + "\n";
    }

    /** The first line is a title, lines without indentation are headings, and prose is filled as elsewhere. */
    private String grammar(Grammar grammar) {
        StringBuilder page = head("imsg-" + grammar, 5, SUBJECTS.get(grammar)).append(".SH DESCRIPTION\n");
        String text = grammar.text();
        for (String block : text.substring(text.indexOf("\n\n") + 2).stripTrailing().split("\n\n+")) {
            List<String> lines = new ArrayList<>(block.lines().toList());
            if (!lines.getFirst().startsWith(" ") && lines.size() > 1 && lines.get(1).startsWith(" "))
                page.append(".SH ").append(escaped(lines.removeFirst().replaceFirst(":$", "").toUpperCase(Locale.ROOT)))
                        .append('\n');
            if (isProse(lines))
                page.append(".PP\n").append(styled(String.join(" ", lines).strip().replaceAll(" +", " "))).append('\n');
            else
                literal(page, lines);
        }
        return page.append(seeAlso("imsg-" + grammar)).toString();
    }

    /** Lines that nothing aligns. */
    private static boolean isProse(List<String> lines) {
        return lines.stream().allMatch(line -> line.matches("( {2})?\\S+( \\S+)*"));
    }

    private static void literal(StringBuilder page, List<String> lines) {
        page.append(".PP\n.nf\n");
        for (String line : String.join("\n", lines).stripIndent().split("\n"))
            page.append(escaped(line)).append('\n');
        page.append(".fi\n");
    }

    /** Options in bold, placeholders in italics. */
    private static String styled(String text) {
        return Stream.of(escaped(text).split("(?<=[\\s\\[(|])|(?=[\\s\\]),;:.|=])"))
                .map(word -> word.matches("(\\\\-){1,2}[a-zA-Z][a-zA-Z\\\\-]*") ? "\\fB" + word + "\\fR" : word)
                .collect(Collectors.joining()).replaceAll("<([\\w ]+)>", "\\\\fI$1\\\\fR");
    }

    private static String escaped(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
                .replace("^", "\\(ha").replace("~", "\\(ti");
        return escaped.startsWith(".") ? "\\&" + escaped : escaped;
    }
}
