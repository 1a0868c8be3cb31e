package org.imsg.interop;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The tests of this class need real C peers. Where one cannot be had (a {@code PeerUnavailableException} leaves the
 * test or a method around it) the test is skipped with the reason; with {@code IMSG_PEERS=required} in the environment
 * it fails. When a test fails, the ends of the logs of the peers it used are printed.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("peers")
@ExtendWith(RealPeersExtension.class)
public @interface RealPeers {}
