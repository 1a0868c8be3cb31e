/**
 * A privilege-separated web server to learn from, which a test runs as root and looks at from outside. It uses the public API
 * of org.imsg and org.imsg.netty only.
 */
package org.imsg.examples.web;
