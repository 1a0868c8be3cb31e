/**
 * The operating system's calls through {@code java.lang.foreign}: one class of constants and layouts per system, the
 * calls themselves, waiting for readiness. Knows descriptors and bytes, never a message; uses only {@code java.base}.
 */
package org.imsg.sys;
