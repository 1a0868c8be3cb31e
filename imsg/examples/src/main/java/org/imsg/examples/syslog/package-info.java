/** A syslog daemon: a child without rights takes messages from anybody, the parent owns the files. */
package org.imsg.examples.syslog;
