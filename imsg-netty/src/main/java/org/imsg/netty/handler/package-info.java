/**
 * What a daemon needs above the codec: requests with their replies and deadlines, limits for idle and slow peers. Uses
 * {@code org.imsg.netty} and nothing below it.
 */
package org.imsg.netty.handler;
