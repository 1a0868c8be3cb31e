package org.imsg.interop.privsep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.imsg.Imsg;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivateRoot;

/** A program whose roles count the certificates that they trust, each confined in another way. */
final class TrustingProgram {
    private static final int COUNTED = 1;

    private TrustingProgram() {}

    public static void main(String... arguments) throws Exception {
        Path classPath = Path.of(System.getProperty("java.class.path"));
        System.exit(Privsep.program("trusting").requireConfinement()
                .role("free", Counter::new, r -> r.user(Ids.of(64030, 64030)))
                .role("unveiled", Counter::new, r -> r.user(Ids.of(64031, 64031)).unveil("/etc/hostname", Access.READ))
                .role("rooted", Counter::new, r -> r.user(Ids.of(64032, 64032))
                        .confine(c -> c.privateRoot(PrivateRoot.java().readOnly(classPath))))
                .parent(() -> TrustingProgram::listen).run(arguments));
    }

    private static void listen(ParentProcess self) {
        int[] left = {3};
        self.on(COUNTED, (from, text) -> {
            System.out.println(from + " " + text.getString(text.length()));
            if (--left[0] == 0)
                self.stop();
        });
    }

    private static final class Counter implements Role {
        @Override
        public void start(RoleProcess self) throws Exception {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((KeyStore) null);
            int trusted = 0;
            for (TrustManager manager : factory.getTrustManagers())
                trusted += ((X509TrustManager) manager).getAcceptedIssuers().length;
            self.parent().send(Imsg.of(COUNTED, "trusts " + trusted + " passwd " + reads("/etc/passwd")
                    + " hostname " + reads("/etc/hostname")));
        }

        private static boolean reads(String file) {
            try {
                return Files.readString(Path.of(file)).length() > 0;
            } catch (IOException _) {
                return false;
            }
        }
    }
}
