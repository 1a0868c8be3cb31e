package org.imsg.harness.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/**
 * The Javadoc of all modules as the zip has it. In a headless Chromium its pictures are looked at; without one those tests are
 * skipped, with that reason, or fail if IMSG_PEERS=required is in the environment.
 */
@Timeout(300)
class JavadocSiteTest {
    private static final Path MADE = Path.of(System.getProperty("imsg.dist", "target")).toAbsolutePath();
    private static final Pattern ADDRESS = Pattern.compile("(?:href|src)=\"([^\"]*)\"");
    private static final Pattern ID = Pattern.compile("id=\"([^\"]*)\"");

    @TempDir
    private static Path directory;
    private static Path zip;
    private static Path site;
    private static Browser browser;

    @BeforeAll
    static void unpack() throws Exception {
        zip = zip(MADE);
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
            for (ZipEntry entry; (entry = in.getNextEntry()) != null;) {
                Path file = directory.resolve(entry.getName());
                Files.createDirectories(file.getParent());
                Files.copy(in, file);
            }
        }
        site = directory.resolve(zip.getFileName().toString().replace(".zip", ""));
        Path program = Browser.program().orElse(null);
        if (program != null)
            browser = Browser.start(program, Files.createDirectory(directory.resolve("browser")));
        else if ("required".equals(System.getenv("IMSG_PEERS")))
            throw new IllegalStateException("IMSG_PEERS=required, but there is no Chromium");
    }

    @AfterAll
    static void end() throws Exception {
        if (browser != null)
            browser.close();
    }

    private static Path zip(Path made) throws IOException {
        try (Stream<Path> files = Files.list(made)) {
            return files.filter(file -> file.toString().endsWith("-javadoc.zip")).findFirst().orElseThrow();
        }
    }

    private static Browser browser() {
        if (browser == null)
            throw new TestAbortedException("there is no Chromium to look at pages with: apt-get install chromium");
        return browser;
    }

    /** What the jars of the modules say of themselves. */
    private static List<ModuleDescriptor> modules() {
        Path[] jars = Stream.of(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .split(File.pathSeparator)).map(Path::of)
                .filter(path -> path.getFileName().toString().matches("imsg(-[a-z]+)?-[0-9].*(?<!-tests)\\.jar"))
                .toArray(Path[]::new);
        return ModuleFinder.of(jars).findAll().stream().map(found -> found.descriptor())
                .filter(module -> module.name().matches("org\\.imsg(\\.(privsep|peers|netty|harness))?")).toList();
    }

    private static Set<String> exported(ModuleDescriptor module) {
        return module.exports().stream().filter(one -> !one.isQualified()).map(ModuleDescriptor.Exports::source)
                .collect(Collectors.toSet());
    }

    private static List<Path> files(String end) throws IOException {
        try (Stream<Path> all = Files.walk(site)) {
            return all.filter(Files::isRegularFile).filter(file -> file.toString().endsWith(end)).toList();
        }
    }

    @Test
    void every_exported_package_of_the_five_modules_has_a_page_and_no_other() throws Exception {
        assertThat(modules()).hasSize(5);
        Set<String> wanted = new TreeSet<>();
        for (ModuleDescriptor module : modules()) {
            wanted.add("module:" + module.name());
            wanted.addAll(exported(module));
            for (String name : exported(module))
                assertThat(site.resolve(module.name()).resolve(name.replace('.', '/')).resolve("package-summary.html"))
                        .exists();
        }
        assertThat(Files.readAllLines(site.resolve("element-list"))).containsExactlyInAnyOrderElementsOf(wanted);
    }

    @Test
    void no_package_is_named_that_is_hidden() throws Exception {
        Set<String> hidden = new TreeSet<>();
        for (ModuleDescriptor module : modules()) {
            hidden.addAll(module.packages());
            hidden.removeAll(exported(module));
        }
        assertThat(hidden).contains("org.imsg.sys", "org.imsg.wire", "org.imsg.harness.cli");
        Pattern names = Pattern.compile(hidden.stream().map(name -> name.replace(".", "[./]"))
                .collect(Collectors.joining("|", "\\b(?:", ")\\b")));
        for (Path file : files(""))
            if (file.toString().matches(".*\\.(html|js)|.*/element-list"))
                assertThat(names.matcher(Files.readString(file)).results().map(MatchResult::group))
                        .as(site.relativize(file).toString()).isEmpty();
    }

    @Test
    void every_link_within_the_site_leads_to_what_is_there() throws Exception {
        Map<Path, Set<String>> ids = new HashMap<>();
        for (Path page : files(".html"))
            ids.put(page, ID.matcher(Files.readString(page)).results().map(id -> unescaped(id.group(1)))
                    .collect(Collectors.toCollection(HashSet::new)));
        List<String> dead = new ArrayList<>();
        for (Path page : ids.keySet())
            for (String address : ADDRESS.matcher(Files.readString(page)).results().map(found -> found.group(1))
                    .distinct().toList()) {
                if (address.matches("(https?|javascript|mailto):.*"))
                    continue;
                URI link = URI.create(unescaped(address).replace("<", "%3C").replace(">", "%3E").replace("[", "%5B")
                        .replace("]", "%5D"));
                Path to = link.getPath().isEmpty() ? page : page.resolveSibling(link.getPath()).normalize();
                if (!Files.isRegularFile(to) || link.getFragment() != null && !link.getFragment().isEmpty()
                        && !ids.get(to).contains(link.getFragment()))
                    dead.add(site.relativize(page) + " -> " + address);
            }
        assertThat(dead).isEmpty();
    }

    private static String unescaped(String text) {
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    }

    @Test
    void our_modules_the_JDK_and_Netty_are_linked() throws Exception {
        assertThat(site.resolve("org.imsg/org/imsg/ImsgChannel.html")).content()
                .contains("https://docs.oracle.com/en/java/javase/25/docs/api/java.base/java/nio/file/Path.html");
        assertThat(site.resolve("org.imsg.netty/org/imsg/netty/ImsgSocketChannel.html")).content()
                .contains("https://netty.io/4.2/api/io/netty/channel/unix/UnixChannel.html",
                        "org.imsg/org/imsg/unix/Fd.html");
        assertThat(site.resolve("org.imsg.privsep/org/imsg/privsep/Peer.html")).content()
                .contains("org.imsg/org/imsg/Imsg.html");
        assertThat(site.resolve("org.imsg.harness/org/imsg/harness/tap/RecordedChannel.html")).content()
                .contains("org.imsg/org/imsg/ImsgChannel.html");
    }

    @Test
    void there_is_no_font_and_the_licence_of_each_part_is_there() throws Exception {
        assertThat(files("")).noneMatch(file -> file.toString().matches(".*\\.(woff2?|ttf|otf|eot)"));
        assertThat(site.resolve("resource-files/stylesheet.css")).content().doesNotContain("fonts/");
        assertThat(site.resolve("LICENSE")).hasSameTextualContentAs(Path.of("../../LICENSE"));
        try (Stream<Path> legal = Files.list(site.resolve("legal"))) {
            assertThat(legal.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("LICENSE",
                    "ADDITIONAL_LICENSE_INFO", "ASSEMBLY_EXCEPTION", "jquery.md", "jqueryUI.md");
        }
        for (ModuleDescriptor module : modules())
            assertThat(site.resolve(module.name()).resolve("module-summary.html")).content().contains("ISC licence");
    }

    @Test
    void the_guides_have_their_chapters() throws Exception {
        assertThat(site.resolve("org.imsg/org/imsg/package-summary.html")).content().contains(">Write</h2>",
                ">Read</h2>", ">Threads</h2>", ">Ends</h2>", ">Descriptors</h2>");
        assertThat(site.resolve("org.imsg.privsep/org/imsg/privsep/package-summary.html")).content()
                .contains(">Roles</h2>");
        assertThat(site.resolve("org.imsg.privsep/org/imsg/privsep/ops/package-summary.html")).content()
                .contains(">Policy</h2>");
        assertThat(site.resolve("org.imsg.netty/org/imsg/netty/package-summary.html")).content()
                .contains(">Codec</h2>");
    }

    /** Text has a contrast of 4.5 at least, lies in its picture, and in no other text. */
    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void the_pictures_can_be_read_in_light_and_dark(String colours) throws Exception {
        browser().media("screen", colours);
        browser.open(site.resolve("index.html"));
        Files.write(Path.of("target", "javadoc-" + colours + ".png"), browser.screenshot());
        assertThat(browser.js("document.querySelectorAll('svg.picture').length")).isEqualTo("2");
        assertThat(browser.js("[...document.querySelectorAll('svg.picture')].every(e => e.clientWidth > 500)"))
                .isEqualTo("true");
        String luminance = "const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)"
                + ".map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)"
                + ".reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);";
        String ground = "const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;"
                + " if (!c.endsWith(', 0)')) return c; } return 'rgb(255, 255, 255)'; };";
        String contrasts = browser.js("(() => { " + luminance + ground
                + " return [...document.querySelectorAll('svg.picture text')].map(e => {"
                + " const a = light(getComputedStyle(e).fill), b = light(ground(e));"
                + " return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }).join(' '); })()");
        assertThat(contrasts.split(" ")).hasSizeGreaterThan(20)
                .allSatisfy(contrast -> assertThat(Double.parseDouble(contrast)).isGreaterThan(4.5));
        String dark = browser
                .js("(() => { " + luminance + ground + " return light(ground(document.querySelector('svg'))); })()");
        assertThat(Double.parseDouble(dark) < 0.2).as("the page is dark").isEqualTo(colours.equals("dark"));
        assertThat(
                browser.js("(() => { const faults = []; document.querySelectorAll('svg.picture').forEach(picture => {"
                        + " const size = picture.viewBox.baseVal, texts = [...picture.querySelectorAll('text')].map(e => [e.textContent, e.getBBox()]);"
                        + " texts.forEach(([text, box], i) => {"
                        + " if (box.x < 0 || box.y < 0 || box.x + box.width > size.width || box.y + box.height > size.height) faults.push(text);"
                        + " texts.slice(0, i).forEach(([other, at]) => { if (box.x < at.x + at.width && at.x < box.x + box.width"
                        + " && box.y < at.y + at.height - 3 && at.y < box.y + box.height - 3) faults.push(text + ' on ' + other); }); }); });"
                        + " return faults.join('; '); })()"))
                .isEmpty();
    }

    @Test
    void a_page_loads_nothing_from_elsewhere_and_the_search_finds_a_class() throws Exception {
        browser().open(site.resolve("org.imsg/org/imsg/package-summary.html"));
        assertThat(browser.requests()).isNotEmpty().filteredOn(address -> !address.startsWith("data:"))
                .allMatch(address -> address.startsWith("file://"));
        assertThat(browser.complaints()).isEmpty();
        browser.open(site.resolve("search.html"));
        browser.js("document.querySelector('#page-search-input').focus()");
        for (String letter : "ImsgListener".split(""))
            browser.press(letter);
        browser.js("new Promise(done => { const look = () => document.querySelector('#result-container')?.textContent"
                + ".includes('ImsgListener') ? done() : setTimeout(look, 20); look(); })");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void the_same_sources_make_the_same_bytes() throws Exception {
        Path again = Files.createDirectory(directory.resolve("again"));
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Duser.language=tr", "-Duser.timezone=Asia/Tokyo", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "org.imsg.site.JavadocSite"));
        for (String argument : System.getProperty("imsg.dist.site.arguments").split(" "))
            command.add(argument.equals("-") ? again.toString() : argument);
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).isZero();
        assertThat(Files.mismatch(zip, zip(again))).isEqualTo(-1);
    }
}
