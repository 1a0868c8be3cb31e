package org.imsg;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.io.PrintStream;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires.Modifier;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.imsg.testing.CodeSize;
import org.imsg.testing.FileLayers;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rooms of the house and which may know which; an arrow that points up fails here. */
class ArchitectureTest {
    private static final Path CLASSES = Path.of("target", "classes");
    private static final Path SOURCES = Path.of("src", "main", "java");
    /** Arrows that close a circle between files of a package, each with the reason why it stays. */
    private static final String[][] CIRCLES = {
            {"org.imsg.Turn", "org.imsg.ImsgChannel",
                    "begin and end of its superclass mark what can be interrupted"},
            {"org.imsg.Receiver", "org.imsg.ImsgChannel", "as Turn"},
            {"org.imsg.Sender", "org.imsg.ImsgChannel", "as Turn"},
            {"org.imsg.wire.ImsgHeader", "org.imsg.wire.Dialect", "a header is written in a dialect"},
    };

    private static JavaClasses imsg;

    @BeforeAll
    static void readClasses() {
        imsg = new ClassFileImporter().importPath(CLASSES);
        assertThat(imsg.contain(ImsgChannel.class)).isTrue();
        assertThat(imsg.get(ImsgChannel.class).getMethods()).isNotEmpty();
    }

    private static void mayUse(String room, String... others) {
        String[] known = Stream
                .concat(Stream.of(room, "java..", "org.jspecify.annotations", "jdk.jfr"), Stream.of(others))
                .toArray(String[]::new);
        classes().that().resideInAPackage(room).should().onlyDependOnClassesThat(resideInAnyPackage(known)
                .as("%s may use", room)).check(imsg);
    }

    @Test
    void wire_uses_nothing_of_ours() {
        mayUse("org.imsg.wire");
    }

    /** Else a clock that is set by hours ends a timeout, or makes it last. */
    @Test
    void nothing_asks_for_the_time_of_day() {
        noClasses().should().callMethod(System.class, "currentTimeMillis").orShould().callMethod(Instant.class, "now")
                .orShould().callMethod(LockSupport.class, "parkUntil", long.class).check(imsg);
    }

    @Test
    void sys_uses_nothing_of_ours() {
        mayUse("org.imsg.sys");
    }

    @Test
    void unix_uses_sys_only() {
        mayUse("org.imsg.unix", "org.imsg.sys");
    }

    @Test
    void cstruct_uses_nothing_of_ours() {
        mayUse("org.imsg.cstruct");
    }

    @Test
    void the_api_uses_cstruct_wire_unix_and_sys() {
        mayUse("org.imsg", "org.imsg.cstruct", "org.imsg.wire", "org.imsg.unix", "org.imsg.sys");
    }

    @Test
    void no_files_of_a_package_need_each_other() {
        FileLayers layers = FileLayers.of(CLASSES, "org.imsg", "org.imsg.cstruct", "org.imsg.wire", "org.imsg.unix",
                "org.imsg.sys");
        for (String[] arrow : CIRCLES)
            layers.allow(arrow[0], arrow[1], arrow[2]);
        layers.check();
    }

    @Test
    void no_two_packages_need_each_other() {
        SlicesRuleDefinition.slices().matching("org.(**)").should().beFreeOfCycles().check(imsg);
    }

    @Test
    void only_sys_binds_native_functions() {
        noClasses().that().resideOutsideOfPackage("org.imsg.sys").should().dependOnClassesThat()
                .areAssignableTo(Linker.class).orShould().dependOnClassesThat().areAssignableTo(SymbolLookup.class)
                .check(imsg);
    }

    @Test
    void wire_makes_no_io() {
        noClasses().that().resideInAPackage("org.imsg.wire").should().dependOnClassesThat()
                .resideInAnyPackage("java.io..", "java.net..", "java.nio.channels..", "java.nio.file..")
                .check(imsg);
    }

    @Test
    void what_a_user_calls_shows_nothing_that_a_user_cannot_reach() {
        methods().that().areDeclaredInClassesThat().resideInAnyPackage("org.imsg", "org.imsg.cstruct", "org.imsg.unix")
                .and().areDeclaredInClassesThat().arePublic().and().arePublic()
                .should(new ArchCondition<>("show exported types only") {
                    @Override
                    public void check(JavaMethod method, ConditionEvents events) {
                        for (JavaClass shown : method.getAllInvolvedRawTypes())
                            if (Set.of("org.imsg.sys", "org.imsg.wire").contains(shown.getPackageName()))
                                events.add(SimpleConditionEvent.violated(method, method + " shows " + shown));
                    }
                }).check(imsg);
    }

    @Test
    void numbers_are_in_ascii_digits_whatever_the_locale() {
        noClasses().should().callMethod(String.class, "formatted", Object[].class).orShould()
                .callMethod(String.class, "format", String.class, Object[].class).orShould()
                .callMethod(PrintStream.class, "printf", String.class, Object[].class).orShould()
                .callMethod(String.class, "toLowerCase").orShould().callMethod(String.class, "toUpperCase")
                .because("Locale.ROOT makes the same text everywhere").check(imsg);
    }

    @Test
    void class_names_say_what_a_thing_is() {
        for (String empty : List.of("Manager", "Helper", "Util", "Utils", "Impl"))
            noClasses().should().haveSimpleNameEndingWith(empty).check(imsg);
    }

    @Test
    void the_module_needs_java_base_only_and_keeps_wire_and_sys_to_itself() {
        ModuleDescriptor module = ModuleFinder.of(CLASSES).find("org.imsg").orElseThrow().descriptor();
        assertThat(module.requires()).filteredOn(required -> !required.modifiers().contains(Modifier.STATIC))
                .extracting(ModuleDescriptor.Requires::name).containsExactly("java.base");
        assertThat(module.exports()).filteredOn(exported -> !exported.isQualified())
                .extracting(ModuleDescriptor.Exports::source).doesNotContain("org.imsg.wire", "org.imsg.sys");
        assertThat(module.isOpen()).isFalse();
    }

    @Test
    void no_class_has_so_much_code_that_it_may_be_two_ideas() {
        CodeSize.check(SOURCES);
    }
}
