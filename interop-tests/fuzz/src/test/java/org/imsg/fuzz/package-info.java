/**
 * Whatever bytes another process or a file has, the classes that read them answer with messages or with the exception that they
 * promise. {@code mvn verify} tries the inputs in the resources; the profile {@code fuzz} looks for new ones.
 */
package org.imsg.fuzz;
