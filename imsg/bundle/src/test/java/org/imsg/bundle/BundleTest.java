package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The files for Maven Central are complete, and there are no others. */
class BundleTest {
    private static final List<String> JARS = List.of(".jar", "-sources.jar", "-javadoc.jar");

    static List<String> artifacts() throws IOException {
        return Bundle.artifacts();
    }

    static List<String> modules() throws IOException {
        return Bundle.modules();
    }

    static Stream<Path> jars() throws IOException {
        return modules().stream().flatMap(module -> JARS.stream().map(end -> Bundle.file(module, end)));
    }

    @Test
    void what_the_bom_manages_is_published_with_the_bom_and_nothing_else() throws IOException {
        Pom bom = Bundle.read(Bundle.file("imsg-bom", ".pom"));
        assertThat(modules()).containsExactlyInAnyOrder("imsg", "imsg-privsep", "imsg-peers", "imsg-netty",
                "imsg-harness");
        assertThat(artifacts()).containsExactlyInAnyOrder("imsg", "imsg-privsep", "imsg-peers", "imsg-netty",
                "imsg-harness", "imsg-bom");
        assertThat(bom.texts("//dependencyManagement//groupId")).containsOnly("org.imsg");
        assertThat(bom.texts("//dependencyManagement//version")).containsOnly("${project.version}");
        assertThat(bom.texts("//dependencyManagement//artifactId"))
                .containsExactlyInAnyOrderElementsOf(modules());
        assertThat(bom.texts("/project/*/dependency")).isEmpty();
    }

    @Test
    void every_jar_has_a_pom_sources_javadoc_and_sbom_every_file_its_checksums_and_there_is_no_other_file()
            throws IOException {
        Set<Path> wanted = new TreeSet<>();
        for (String artifact : artifacts()) {
            List<String> ends = new ArrayList<>(List.of(".pom"));
            if (modules().contains(artifact))
                ends.addAll(CentralBundle.FILES_OF_A_JAR);
            for (String end : ends) {
                wanted.add(Bundle.file(artifact, end));
                CentralBundle.CHECKSUMS.forEach(
                        algorithm -> wanted.add(Bundle.file(artifact, end + CentralBundle.checksumEnd(algorithm))));
                if (Bundle.SIGNED)
                    wanted.add(Bundle.file(artifact, end + ".asc"));
            }
        }
        try (Stream<Path> files = Files.walk(Bundle.DIRECTORY)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactlyInAnyOrderElementsOf(wanted);
        }
    }

    @Test
    void a_checksum_is_that_of_its_file() throws IOException {
        try (Stream<Path> files = Files.walk(Bundle.DIRECTORY)) {
            for (Path file : files.filter(file -> file.toString().matches(".*\\.(pom|jar|json|xml)")).toList())
                for (String algorithm : CentralBundle.CHECKSUMS)
                    assertThat(Path.of(file + CentralBundle.checksumEnd(algorithm)))
                            .hasContent(CentralBundle.checksum(file, algorithm));
        }
    }

    @Test
    void the_zip_holds_the_same_files() throws IOException {
        try (ZipFile zip = new ZipFile(Bundle.ZIP.toFile())) {
            assertThat(zip.stream().map(ZipEntry::getName))
                    .containsExactlyElementsOf(Bundle.checksums(Bundle.DIRECTORY).keySet());
            for (ZipEntry entry : zip.stream().toList())
                assertThat(zip.getInputStream(entry)).as(entry.getName())
                        .hasSameContentAs(Files.newInputStream(Bundle.DIRECTORY.resolve(entry.getName())));
        }
    }

    @ParameterizedTest
    @MethodSource("artifacts")
    void a_pom_says_what_maven_central_asks_for(String artifact) {
        Pom pom = Bundle.read(Bundle.file(artifact, ".pom"));
        assertThat(pom.text("/project/groupId")).isEqualTo("org.imsg");
        assertThat(pom.artifact()).isEqualTo(artifact);
        assertThat(pom.version()).isEqualTo(Bundle.version());
        assertThat(pom.text("/project/name")).isNotBlank();
        assertThat(pom.text("/project/description")).isNotBlank();
        assertThat(pom.text("/project/url")).startsWith("https://")
                .isEqualTo(Bundle.pom("pom.xml").text("/project/url"));
        assertThat(pom.text("/project/licenses/license/name")).isEqualTo("ISC");
        assertThat(pom.text("/project/licenses/license/url")).startsWith("https://");
        assertThat(pom.text("/project/developers/developer/name")).isNotBlank();
        assertThat(pom.text("/project/scm/connection")).startsWith("scm:git:").endsWith(".git");
        assertThat(pom.text("/project/scm/url")).startsWith("https://")
                .isEqualTo(Bundle.pom("pom.xml").text("/project/scm/url"));
    }

    @ParameterizedTest
    @MethodSource("artifacts")
    void a_pom_stands_alone_and_names_nothing_that_is_never_shipped(String artifact) throws IOException {
        Pom pom = Bundle.read(Bundle.file(artifact, ".pom"));
        assertThat(pom.texts("/project/parent | /project/build | /project/profiles | /project/modules")).isEmpty();
        assertThat(pom.texts("//scope")).doesNotContain("test", "provided", "import", "system");
        assertThat(pom.texts("//dependency[groupId='org.imsg']/artifactId")).isSubsetOf(modules());
        assertThat(pom.texts("//version")).noneMatch(version -> version.matches(".*\\$\\{(?!project\\.version}).*"));
        if (!Bundle.version().endsWith("-SNAPSHOT"))
            assertThat(pom.texts("//version")).noneMatch(version -> version.endsWith("-SNAPSHOT"));
    }

    @ParameterizedTest
    @MethodSource("jars")
    void every_jar_has_the_licence(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            assertThat(file.getEntry("META-INF/LICENSE")).as(jar + ": META-INF/LICENSE").isNotNull();
            assertThat(file.getInputStream(file.getEntry("META-INF/LICENSE")))
                    .hasSameContentAs(Files.newInputStream(Bundle.ROOT.resolve("LICENSE")));
        }
    }

    @ParameterizedTest
    @MethodSource("jars")
    void no_file_of_a_jar_names_a_place_on_the_machine_that_made_it(Path jar) throws IOException {
        List<String> places = List.of(Bundle.ROOT.toRealPath().toString(),
                System.getProperty("bundle.maven.repository"), System.getProperty("java.home"));
        try (JarFile file = new JarFile(jar.toFile())) {
            for (ZipEntry entry : file.stream().toList())
                assertThat(new String(file.getInputStream(entry).readAllBytes(), StandardCharsets.ISO_8859_1))
                        .as(jar + ": " + entry).doesNotContain(places);
        }
    }

    /** They would be most of it, with a licence of their own. */
    @ParameterizedTest
    @MethodSource("modules")
    void the_javadoc_bundles_no_fonts(String module) throws IOException {
        try (JarFile javadoc = new JarFile(Bundle.file(module, "-javadoc.jar").toFile())) {
            assertThat(javadoc.stream().map(ZipEntry::getName)).contains("index.html")
                    .noneMatch(name -> name.contains(".woff"));
        }
    }

    @Test
    void what_bundles_picocli_has_both_licences_and_no_module_bundles_anything() throws IOException {
        try (JarFile program = new JarFile(Bundle.PROGRAM.toFile())) {
            assertThat(program.getEntry("picocli/CommandLine.class")).isNotNull();
            assertThat(program.getInputStream(program.getEntry("META-INF/licenses/picocli/LICENSE")))
                    .asString(StandardCharsets.UTF_8).contains("Apache License", "Version 2.0");
            assertThat(program.getInputStream(program.getEntry("META-INF/LICENSE")))
                    .hasSameContentAs(Files.newInputStream(Bundle.ROOT.resolve("LICENSE")));
            assertThat(program.stream().filter(entry -> entry.getName().endsWith("LICENSE"))).hasSize(2);
        }
        for (String module : modules())
            assertThat(classes(Bundle.file(module, ".jar"))).allMatch(name -> name.startsWith("org/imsg/")
                    || name.equals("module-info.class"));
    }

    @Test
    void a_module_knows_its_version_and_has_its_name() throws IOException {
        List<ModuleDescriptor> descriptors = modules().stream().map(BundleTest::descriptor).toList();
        assertThat(descriptors).extracting(ModuleDescriptor::name).containsExactlyInAnyOrder("org.imsg",
                "org.imsg.privsep", "org.imsg.peers", "org.imsg.netty", "org.imsg.harness");
        assertThat(descriptors).extracting(descriptor -> descriptor.rawVersion().orElse("none"))
                .containsOnly(Bundle.version());
    }

    @ParameterizedTest
    @MethodSource("modules")
    void an_sbom_names_the_component_its_licence_and_what_it_needs(String module) throws IOException {
        Pom sbom = Bundle.read(Bundle.file(module, "-cyclonedx.xml"));
        assertThat(sbom.text("/bom/metadata/component/name")).isEqualTo(module);
        assertThat(sbom.text("/bom/metadata/component/version")).isEqualTo(Bundle.version());
        assertThat(sbom.text("/bom/metadata/component/licenses/license/id")).isEqualTo("ISC");
        assertThat(sbom.texts("/bom/components/component/name"))
                .containsAll(Bundle.read(Bundle.file(module, ".pom")).texts("/project/dependencies//artifactId"))
                .doesNotContain("imsg-testing", "assertj-core");
        assertThat(Bundle.file(module, "-cyclonedx.json")).content().contains("\"CycloneDX\"");
    }

    @ParameterizedTest
    @MethodSource("modules")
    void a_jar_of_sources_has_the_source_of_every_class(String module) throws IOException {
        Set<String> sources = new HashSet<>();
        try (JarFile jar = new JarFile(Bundle.file(module, "-sources.jar").toFile())) {
            jar.stream().map(ZipEntry::getName).filter(name -> name.endsWith(".java")).forEach(sources::add);
        }
        assertThat(classes(Bundle.file(module, ".jar")))
                .allMatch(name -> sources.contains(name.replaceAll("(\\$.*)?\\.class$", ".java")));
    }

    /** A new package that is not exported would otherwise be held to be API: the profile api of the top pom lists them. */
    @Test
    void what_is_not_exported_to_all_is_no_part_of_the_compared_api() throws IOException {
        Set<String> hidden = new TreeSet<>();
        for (String module : modules()) {
            ModuleDescriptor descriptor = descriptor(module);
            hidden.addAll(descriptor.packages());
            descriptor.exports().stream().filter(exported -> !exported.isQualified())
                    .map(ModuleDescriptor.Exports::source).forEach(hidden::remove);
        }
        assertThat(Bundle.pom("pom.xml").texts("//profile[id='api']//exclude"))
                .containsExactlyInAnyOrderElementsOf(hidden);
    }

    @Test
    void the_program_and_the_manuals_name_the_version_and_a_release_is_in_the_changelog() throws Exception {
        assertThat(Program.java(Map.of(), "-jar", Bundle.PROGRAM.toString(), "--version"))
                .isEqualTo(new Program(0, "imsg " + Bundle.version().replace("-SNAPSHOT", "") + "\n"));
        for (String manual : List.of("README.md", "interop-tests/README.md", "imsg/peers/README.md"))
            assertThat(Files.readString(Bundle.ROOT.resolve(manual))).as(manual).contains(Bundle.version());
        String day = Bundle.pom("pom.xml").text("//project.build.outputTimestamp").substring(0, "2026-01-01".length());
        assertThat(Files.readString(Bundle.ROOT.resolve(".github/CHANGELOG.md"))).contains(
                Bundle.version().endsWith("-SNAPSHOT")
                        ? "## [Unreleased]"
                        : "## [" + Bundle.version() + "] - " + day);
    }

    private static ModuleDescriptor descriptor(String module) {
        return ModuleFinder.of(Bundle.file(module, ".jar")).findAll().iterator().next().descriptor();
    }

    private static List<String> classes(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            return file.stream().map(ZipEntry::getName).filter(name -> name.endsWith(".class")).toList();
        }
    }
}
