/**
 * tmux's protocol between its client and its server: {@link org.imsg.peers.tmux.TmuxClient} runs commands in a
 * server, {@link org.imsg.peers.tmux.TmuxDaemon} is a server for the client. May use cstruct and the parent package.
 */
package org.imsg.peers.tmux;
