package org.imsg.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Finds wordings that are hard to read: in comments and texts of Java sources, in comments of C sources, and in Markdown. */
final class Prose {
    /** One wording that is refused. */
    enum Fault {
        HEADLESS("a sentence needs a noun for its subject, not who or what",
                "(?:^|(?<=[.;:!?] )|(?<=\\())(?:[Ww]ho|[Ww]hoever|[Ww]hat|[Ww]hatever) (?:also |else |then |never |ever |still |alone |once "
                        + "|only |thus |not )*+(?:must|has|had|is|was|are|were|can|cannot|could|may|might|will|would|shall|should"
                        + "|does|did|goes|came|went|took|began|lies|(?!this\\b|its\\b|us\\b|Linux's\\b|others\\b|descriptors\\b"
                        + "|messages\\b|tests\\b|threads\\b|programs\\b|users\\b|processes\\b|children\\b|as\\b|OpenBSD's\\b)"
                        + "[a-z]+[^s\\W']s)\\b(?!')(?![^.!]{0,80}\\?)"), PERSON("a process or a thread is not somebody",
                                "\\b(?<!user )(?<![\"`:/])(?:[Nn]obody|[Ss]omebody|[Ee]verybody)\\b(?!['\"`])"), TO_BE(
                                        "say who does it, or that it must be done",
                                        "\\b(?:is|are|was|were) to be [a-z]+(?:ed|en|wn|ught|ound|ade|ept|ut|ead|ent|old)\\b"), LINK(
                                                "a link to a method has parentheses",
                                                "\\{@link(?:plain)?\\s+[\\w.]*#[a-z]\\w*[\\s}]"), TAG(
                                                        "the text of a tag begins on its line",
                                                        "@(?:param\\s+\\S+|throws\\s+\\S+|return)$");

        private final String rule;
        private final Pattern wording;

        Fault(String rule, String wording) {
            this.rule = rule;
            this.wording = Pattern.compile(wording);
        }
    }

    /** A refused wording, where it stands, and what is wrong with it. */
    record Finding(Path file, int line, Fault fault, String text) {
        @Override
        public String toString() {
            return file + ":" + line + ": " + text + ": " + fault.rule;
        }
    }

    /** Text that is read in one go, line by line: a comment, a literal, or a paragraph. */
    private record Passage(int firstLine, List<String> lines) {}

    private static final Pattern JAVA = Pattern.compile(
            "//[^\n]*(?:\n[ \t]*//[^\n]*)*|/\\*(?s:.*?)\\*/|\"\"\"(?s:.*?)\"\"\"|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])+'");
    private static final Pattern CODE = Pattern
            .compile("\\{@(?:code|literal)\\s[^{}]*(?:\\{[^{}]*\\}[^{}]*)*\\}|`[^`]*`");

    private Prose() {}

    /** Reads a file, by what its name ends in. */
    static List<Finding> in(Path file) throws IOException {
        String text = Files.readString(file);
        List<Passage> passages = file.toString().endsWith(".md") ? paragraphs(text) : commentsAndLiterals(text);
        List<Finding> found = new ArrayList<>();
        for (Passage passage : passages)
            find(file, passage, found);
        return found;
    }

    private static void find(Path file, Passage passage, List<Finding> found) {
        StringBuilder joined = new StringBuilder();
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i < passage.lines.size(); i++) {
            String line = passage.lines.get(i);
            if (Fault.TAG.wording.matcher(line).find())
                found.add(new Finding(file, passage.firstLine + i, Fault.TAG, line));
            starts.add(joined.length());
            joined.append(line.isEmpty() || line.startsWith("@") ? ". " + line : line).append(' ');
        }
        String sentences = CODE.matcher(joined).replaceAll(code -> "X".repeat(code.group().length()));
        for (Fault fault : Fault.values()) {
            if (fault == Fault.TAG)
                continue;
            for (MatchResult match : fault.wording.matcher(sentences).results().toList()) {
                int line = 0;
                while (line + 1 < starts.size() && starts.get(line + 1) <= match.start())
                    line++;
                String around = joined.substring(match.start(), Math.min(match.end() + 30, joined.length())).strip();
                found.add(new Finding(file, passage.firstLine + line, fault, around));
            }
        }
    }

    private static List<Passage> commentsAndLiterals(String source) {
        List<Passage> passages = new ArrayList<>();
        int line = 1;
        int counted = 0;
        for (MatchResult match : JAVA.matcher(source).results().toList()) {
            line += (int) source.substring(counted, match.start()).chars().filter(c -> c == '\n').count();
            counted = match.start();
            String text = match.group();
            if (text.startsWith("/"))
                passages.add(new Passage(line, text.lines().map(Prose::withoutMarks).toList()));
            else if (text.startsWith("\"") && text.indexOf(' ') > 0)
                passages.add(new Passage(line, text.lines().map(each -> each.replace("\"", "").strip()).toList()));
        }
        return passages;
    }

    private static String withoutMarks(String line) {
        return line.strip().replaceFirst("^(/\\*+|\\*+/|\\*|//+)", "").replaceFirst("\\*+/$", "").strip()
                .replaceAll("</?(?:p|li|ul|td|tr|dd|dt)>", "");
    }

    private static List<Passage> paragraphs(String markdown) {
        List<Passage> passages = new ArrayList<>();
        List<String> paragraph = new ArrayList<>();
        boolean code = false;
        int number = 0;
        for (String line : (markdown + "\n\n").lines().toList()) {
            number++;
            boolean fence = line.strip().startsWith("```");
            code ^= fence;
            if (code || fence || line.isBlank() || line.startsWith("    ")) {
                if (!paragraph.isEmpty())
                    passages.add(new Passage(number - paragraph.size(), List.copyOf(paragraph)));
                paragraph.clear();
            } else {
                paragraph.add(line.strip().replaceFirst("^(?:[-*#>]+|\\d+\\.) ", "").replaceAll("\\| ?", "; "));
            }
        }
        return passages;
    }
}
