package org.imsg.privsep;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.imsg.sys.Recorder;
import org.imsg.testing.CodeSize;
import org.imsg.testing.FileLayers;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rooms of this module, which of them may know which, and the layers inside each. */
class ArchitectureTest {
    private static final Path CLASSES = Path.of("target", "classes");

    private static final Set<String> ASK_TIME_OF_DAY = Set.of("System.currentTimeMillis", "Instant.now",
            "LocalDateTime.now", "ZonedDateTime.now", "Clock.systemUTC", "Condition.awaitUntil",
            "LockSupport.parkUntil");

    private static JavaClasses privsep;

    @BeforeAll
    static void readClasses() {
        privsep = new ClassFileImporter().importPath(CLASSES);
        assertThat(privsep.contain(Privsep.class)).isTrue();
    }

    private static void mayUse(String room, String... others) {
        String[] known = Stream.concat(Stream.of(room, "java..", "jdk.jfr"), Stream.of(others)).toArray(String[]::new);
        classes().that().resideInAPackage(room).should()
                .onlyDependOnClassesThat(resideInAnyPackage(known).as("%s may use", room)).check(privsep);
    }

    @Test
    void privsep_uses_the_api_unix_rights_and_operations() {
        mayUse("org.imsg.privsep", "org.imsg.privsep.rights", "org.imsg.privsep.ops", "org.imsg", "org.imsg.unix",
                "org.imsg.sys");
        noClasses().that().resideInAPackage("org.imsg.privsep").should().dependOnClassesThat(
                resideInAPackage("org.imsg.sys").and(not(equivalentTo(Recorder.class)))).check(privsep);
    }

    @Test
    void giving_up_rights_uses_unix_and_sys() {
        mayUse("org.imsg.privsep.rights", "org.imsg.unix", "org.imsg.sys", "javax.net.ssl");
    }

    @Test
    void privileged_operations_use_the_api_rights_unix_and_sys() {
        mayUse("org.imsg.privsep.ops", "org.imsg", "org.imsg.privsep.rights", "org.imsg.unix", "org.imsg.sys");
    }

    @Test
    void native_access_is_needed_by_org_imsg_only() {
        noClasses().should().callMethod(MemorySegment.class, "reinterpret", long.class).orShould()
                .dependOnClassesThat().areAssignableTo(Linker.class).check(privsep);
    }

    /** Else a clock that is set, as a child may be allowed to, ends a deadline or makes it last. */
    @Test
    void no_deadline_is_measured_with_the_clock_that_can_be_set() {
        noClasses().that().haveNameNotMatching(".*\\.SystemClock(\\$.*)?").should()
                .callMethodWhere(describe("asks for the time of day", call -> ASK_TIME_OF_DAY.contains(
                        call.getTargetOwner().getSimpleName() + "." + call.getName())))
                .check(privsep);
    }

    @Test
    void no_files_of_the_program_s_frame_need_each_other() {
        FileLayers.of(CLASSES, "org.imsg.privsep").check();
    }

    @Test
    void no_files_of_privileged_operations_need_each_other() {
        FileLayers.of(CLASSES, "org.imsg.privsep.ops").check();
    }

    @Test
    void no_class_has_so_much_code_that_it_may_be_two_ideas() {
        CodeSize.check(Path.of("src", "main", "java"));
    }
}
