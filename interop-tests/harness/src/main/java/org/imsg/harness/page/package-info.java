/**
 * Recordings as a page for a browser: a sequence diagram in one HTML file. Uses {@code org.imsg.harness.record} and
 * {@code org.imsg.harness.describe}.
 */
package org.imsg.harness.page;
