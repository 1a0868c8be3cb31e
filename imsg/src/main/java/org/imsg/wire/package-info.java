/**
 * The wire: where the fields of a header lie, where one message ends and the next begins, and which descriptor belongs to
 * which message. Works on memory that others fill; knows no socket, makes no call, uses only {@code java.base}.
 */
package org.imsg.wire;
