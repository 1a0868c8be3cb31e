/*
 * Copyright (c) 2026 the imsg for the JVM authors
 *
 * Permission to use, copy, modify, and/or distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * The name, the type of the request that shows it, and c for a crash that one
 * client can cause by what it says, f for any other fault.
 */
#define FAULTS(X)                                                              \
	X(NONE, "none", ECHO, '-', "all is right")                             \
	X(SHORT_LENGTH, "short-length", ECHO, 'f',                             \
	    "takes a length below 16 for 16")                                  \
	X(SHORT_KNOWN, "short-length-known", ECHO, 'f',                        \
	    "the same, of a type that it knows")                               \
	X(NO_LIMIT, "no-limit", ECHO, 'f', "waits for a message of any size")  \
	X(NO_LIMIT_KNOWN, "no-limit-known", ECHO, 'f',                         \
	    "the same, of a type that it knows")                               \
	X(LOW_LIMIT, "low-limit", ECHO, 'f', "refuses the longest message")    \
	X(PAYLOAD_LENGTH, "payload-length", ECHO, 'f',                         \
	    "takes the length of a type it does not know for the payload's")   \
	X(FORGETS_PART, "forgets-part", ECHO, 'f',                             \
	    "forgets what is no whole message at the end of a read")           \
	X(WAITS_FOR_HEADER, "waits-for-header", ECHO, 'f',                     \
	    "waits for the rest of a header, all clients with it")             \
	X(WAITS_FOR_PAYLOAD, "waits-for-payload", ECHO, 'f',                   \
	    "waits for the rest of a payload, all clients with it")            \
	X(ONE_A_READ, "one-a-read", ECHO, 'f',                                 \
	    "forgets what is behind the first message of a read")              \
	X(LATE_SECOND, "late-second", ECHO, 'f',                               \
	    "looks at the second message of a read when more comes")           \
	X(DROPS_BODY, "drops-cut-body", ECHO, 'f',                             \
	    "a payload that comes after its header reads as zeros")            \
	X(BODY_AS_HEADER, "body-as-header", ECHO, 'f',                         \
	    "takes the payload of a type it does not know for messages")       \
	X(TWICE, "twice", ECHO, 'f', "answers twice")                          \
	X(TWICE_IF_CUT, "twice-if-cut", ECHO, 'f',                             \
	    "answers twice what came in two reads")                            \
	X(OTHER_ID, "other-id", ECHO, 'f', "answers another peerid")           \
	X(SWAPPED_ID, "swapped-id", ECHO, 'f',                                 \
	    "answers the peerid in the other byte order")                      \
	X(STALE_ID, "stale-id", ECHO, 'f',                                     \
	    "answers the peerid of the message before")                        \
	X(OTHER_PID, "other-pid", ECHO, 'f', "answers a pid of no process")    \
	X(OTHER_TYPE, "other-type", ECHO, 'f',                                 \
	    "answers every third time with another type")                      \
	X(SWAPPED_LENGTH, "swapped-length", ECHO, 'f',                         \
	    "answers the length in the other byte order")                      \
	X(SHORT_ANSWER, "short-answer", ECHO, 'f',                             \
	    "the length of an answer does not count the header")               \
	X(TRUNCATES, "truncates", ECHO, 'f',                                   \
	    "answers at most 4096 bytes of payload")                           \
	X(OUT_OF_ORDER, "out-of-order", ECHO, 'f',                             \
	    "answers the messages of one read in reverse")                     \
	X(OTHER_CLIENT, "other-client", ECHO, 'f',                             \
	    "answers the client that connected last")                          \
	X(KEEPS, "keeps-descriptor", ECHO, 'f',                                \
	    "keeps the descriptor of a type that it knows")                    \
	X(KEEPS_UNKNOWN, "keeps-unknown-descriptor", ECHO, 'f',                \
	    "keeps the descriptor of a type that it does not know")            \
	X(KEEPS_UNMARKED, "keeps-unmarked-descriptor", ECHO, 'f',              \
	    "keeps a descriptor that no message marks")                        \
	X(KEEPS_SECOND, "keeps-second-descriptor", ECHO, 'f',                  \
	    "keeps all but the first descriptor of a read")                    \
	X(KEEPS_LATE, "keeps-late-descriptor", ECHO, 'f',                      \
	    "keeps a descriptor that came behind the first byte")              \
	X(CLOSES_TWICE, "closes-twice", ECHO, 'f',                             \
	    "closes a descriptor again when its client leaves")                \
	X(FIRST_MESSAGE, "first-message", TAKE, 'f',                           \
	    "gives a descriptor to the first message of a read")               \
	X(LAST_MESSAGE, "last-message", TAKE, 'f',                             \
	    "gives a descriptor to the message behind its own")                \
	X(IGNORES_DESCRIPTOR, "ignores-descriptor", TAKE, 'f',                 \
	    "closes a descriptor that came with a cut message")                \
	X(WAITS_FOR_DESCRIPTOR, "waits-for-descriptor", ECHO, 'f',             \
	    "waits for the descriptor of a mark")                              \
	X(MARK_IN_LENGTH, "mark-in-length", ECHO, 'f',                         \
	    "reads the mark as a part of the length")                          \
	X(IGNORES_END, "ignores-end", ECHO, 'f',                               \
	    "does not close when its client has ended")                        \
	X(KEEPS_SOCKET, "keeps-socket", ECHO, 'f',                             \
	    "forgets a client without closing its socket")                     \
	X(KEEPS_INPUT, "keeps-input", ECHO, 'f',                               \
	    "the next client begins with what the last had left")              \
	X(BLOCKS, "blocks", ECHO, 'f',                                         \
	    "waits for a client that does not read, all others with it")       \
	X(DROPS_ANSWERS, "drops-answers", ECHO, 'f',                           \
	    "forgets answers when there are many")                             \
	X(TEN_CLIENTS, "ten-clients", ECHO, 'f', "serves ten clients at once") \
	X(TIRES, "tires", ECHO, 'f', "accepts sixty clients")                  \
	X(SIGPIPE_KILLS, "sigpipe", ECHO, 'f',                                 \
	    "dies of an answer to a client that has left")                     \
	X(HIGH_LIMIT, "high-limit", ECHO, 'f',                                 \
	    "takes one byte more than the longest message has")                \
	X(MARK_KNOWN, "mark-in-length-known", ECHO, 'f',                       \
	    "reads the mark as a part of the length of a type that it knows")  \
	X(WAITS_KNOWN, "waits-for-descriptor-known", ECHO, 'f',                \
	    "waits for the descriptor of a mark of a type that it knows")      \
	X(SHORT_TYPE, "short-type", ECHO, 'f',                                 \
	    "looks at sixteen bits of a type")                                 \
	X(TAKES_REST, "takes-rest", ECHO, 'f',                                 \
	    "takes what there is at the end for a whole message")              \
	X(SKIPS, "skips-refused", ECHO, 'f',                                   \
	    "answers what stands behind a length that it refuses")             \
	X(SHARED, "shared-input", ECHO, 'f',                                   \
	    "forgets a part of a message when another client says something")  \
	X(CLOSES_OTHER, "closes-other", ECHO, 'f',                             \
	    "closes all connections for a length that it refuses")             \
	X(LARGE_ID, "large-id", ECHO, 'f',                                     \
	    "answers 31 bits of a peerid")                                     \
	X(SHORT_PID, "short-pid", ECHO, 'f', "answers 8 bits of its pid")      \
	X(MARKS_ANSWERS, "marks-answers", ECHO, 'f',                           \
	    "marks an answer that has no descriptor")                          \
	X(DROPS_LAST, "drops-last-byte", ECHO, 'f',                            \
	    "answers the longest payload without its last byte")               \
	X(DROPS_PAGE, "drops-page-byte", ECHO, 'f',                            \
	    "answers a payload of 4096 bytes without its last byte")           \
	X(DROPS_REST, "drops-rest", ECHO, 'f',                                 \
	    "forgets what of its answers a write does not take")               \
	X(MOVES_ONE, "moves-one", ECHO, 'f',                                   \
	    "answers the sixteenth message of a read last")                    \
	X(TWICE_LATE, "twice-late", ECHO, 'f',                                 \
	    "answers every 500th message of a client twice")                   \
	X(KEEPS_REFUSED, "keeps-refused-socket", ECHO, 'f',                    \
	    "ends a refused client without closing its socket")                \
	X(KEEPS_REFUSED_FD, "keeps-refused-descriptor", ECHO, 'f',             \
	    "keeps a descriptor that came with a length that it refuses")      \
	X(KEEPS_WRONG_FD, "keeps-wrong-descriptor", COUNT, 'f',                \
	    "keeps a descriptor that came with a payload that it refuses")     \
	X(LEAKS, "leaks-refused", ECHO, 'f',                                   \
	    "keeps the memory of a refused client")                            \
	X(LEAKS_CLIENT, "leaks-client", ECHO, 'f',                             \
	    "keeps the memory of a client that has left")                      \
	X(LEAKS_MESSAGE, "leaks-message", ECHO, 'f',                           \
	    "keeps the memory of each message")                                \
	X(TIRES_LATE, "tires-late", ECHO, 'f', "dies of the 256th client")     \
	X(WIDE_LENGTH, "sixteen-bit-length", ECHO, 'f',                        \
	    "looks at sixteen bits of a length")                               \
	X(LOOSE_LENGTH, "loose-length", ECHO, 'f',                             \
	    "overlooks the upper bits of a length")                            \
	X(UNCHECKED, "unchecked-marked", ECHO, 'f',                            \
	    "takes any length of a marked message")                            \
	X(CHECKS_FIRST, "checks-first", ECHO, 'f',                             \
	    "looks at the length of a client's first message only")            \
	X(REFUSES_EMPTY, "refuses-empty", ECHO, 'f',                           \
	    "closes the connection for a message without a payload")           \
	X(TAKES_PART, "takes-part", ECHO, 'f',                                 \
	    "takes what is there of a payload for all of it")                  \
	X(OVERLAP, "overlap", ECHO, 'f',                                       \
	    "moves a rest that is longer than what is before it in the wrong order") \
	X(FORGETS_TAIL, "forgets-tail", ECHO, 'f',                             \
	    "forgets a part of a header behind a whole message")               \
	X(NEVER_MOVES, "never-moves", ECHO, 'f',                               \
	    "takes the end of its buffer for the end of the stream")           \
	X(DEDUPES, "dedupes", ECHO, 'f',                                       \
	    "ignores a message that is as the one before")                     \
	X(HUNDRED, "hundred-a-read", ECHO, 'f',                                \
	    "forgets what is behind the hundredth message of a read")          \
	X(ANY_FLAG, "any-flag", TAKE, 'f',                                     \
	    "takes any flag for the mark, in the classic format")              \
	X(DROPS_SLOW, "drops-slow", ECHO, 'f',                                 \
	    "closes the connection when a write takes a part only")            \
	X(RESENDS, "resends", ECHO, 'f',                                       \
	    "sends a byte twice when a write takes a part only")               \
	X(NO_POLLOUT, "no-pollout", ECHO, 'f',                                 \
	    "sends the rest of its answers when the client says more")         \
	X(WRITE_ERROR, "write-error", ECHO, 'f',                               \
	    "ends when it cannot write to a client")                           \
	X(SPINS_IDLE, "spins", ECHO, 'f',                                      \
	    "waits for room to write when it has nothing to write")            \
	X(SPINS_CUT, "spins-while-cut", ECHO, 'f',                             \
	    "asks without a pause for the rest of a message")                  \
	X(FIRST_WORD, "waits-for-first-word", ECHO, 'f',                       \
	    "waits for what a client says first, all others with it")          \
	X(IMPATIENT, "impatient", ECHO, 'f',                                   \
	    "closes a connection that says nothing for half a second")         \
	X(REPLACES, "replaces", ECHO, 'f',                                     \
	    "closes the connection of the eldest client for the twentieth")    \
	X(REMOVES_SOCKET, "removes-socket", ECHO, 'f',                         \
	    "removes its socket when a client leaves")                         \
	X(TABLE, "table", ECHO, 'f', "dies of 65 clients at once")             \
	X(ACCEPT_ERROR, "accept-error", ECHO, 'f',                             \
	    "ends when it has no descriptor for a client, of 256")             \
	X(KEEPS_EXCESS, "keeps-excess", ECHO, 'f',                             \
	    "keeps the sockets of more clients than 64, and serves them never") \
	X(ZOMBIES, "zombies", ECHO, 'f',                                       \
	    "starts a process for each client, and does not wait for its end") \
	X(REFUSES_NEXT, "refuses-next", ECHO, 'f',                             \
	    "refuses the client after a refused one")                          \
	X(KEEPS_SLOT, "inherits-descriptor", TAKE, 'f',                        \
	    "the next client begins with the descriptors of the last")         \
	X(SHARED_FD, "shared-descriptors", TAKE, 'f',                          \
	    "gives a descriptor to the next marked message of any client")     \
	X(KEEPS_OUTPUT, "inherits-answers", ECHO, 'f',                         \
	    "the next client gets the answers that the last did not read")     \
	X(CLOSES_ZERO, "closes-zero", ECHO, 'f',                               \
	    "closes descriptor 0 for a mark without a descriptor")             \
	X(OVERWRITES, "overwrites-descriptor", ECHO, 'f',                      \
	    "keeps the first of two descriptors that wait for a message")      \
	X(FEW_FDS, "sixteen-descriptors", TAKE, 'f',                           \
	    "closes all but the first sixteen descriptors of a client")        \
	X(ECHOES_MARK, "echoes-mark", ECHO, 'f',                               \
	    "marks the answer to a marked request, without a descriptor")      \
	X(STRAY_FD, "stray-descriptor", ECHO, 'f',                             \
	    "sends a descriptor with an answer that is not marked")            \
	X(TEXT, "text-for-error", ECHO, 'f',                                   \
	    "says in words why it closes a connection")                        \
	X(STOPS, "stops-reading", ECHO, 'f',                                   \
	    "does not close a connection that it refuses")                     \
	X(KEEPS_FEW, "keeps-fortieth", ECHO, 'f',                              \
	    "keeps the socket of each fortieth client")                        \
	X(LEAKS_LITTLE, "leaks-little", ECHO, 'f',                             \
	    "keeps 512 bytes of each client")                                  \
	X(LEAKS_UNREAD, "leaks-unread", ECHO, 'f',                             \
	    "keeps the memory of a client that has not read its answers")      \
	X(LEAKS_MARKED, "leaks-marked", ECHO, 'f',                             \
	    "keeps the memory of a message with a descriptor")                 \
	X(OVERREAD, "overread", COUNT, 'f',                                    \
	    "believes a count, and answers what another client had said")      \
	X(ZERO_PID, "zero-pid", ECHO, 'f', "answers a pid of 0")               \
	X(DEAD_PID, "dead-pid", ECHO, 'f',                                     \
	    "answers the pid of a process that has ended")                     \
	X(STRINGS, "strings", ECHO, 'f', "ends a payload at its first zero")   \
	X(FIRST_ID, "first-id", ECHO, 'f',                                     \
	    "answers the peerid of a client's first message")                  \
	X(CRASH_EMPTY, "crash-empty", ECHO, 'c', "dies of an empty payload")   \
	X(CRASH_SHORT, "crash-short-length", ECHO, 'c',                        \
	    "dies of a length below 16")                                       \
	X(CRASH_LONG, "crash-long-length", ECHO, 'c',                          \
	    "dies of a length over the limit")                                 \
	X(CRASH_MARK, "crash-mark", ECHO, 'c',                                 \
	    "dies of a mark without a descriptor")                             \
	X(CRASH_UNKNOWN, "crash-unknown-type", ECHO, 'c',                      \
	    "dies of a type that is no index of its table")                    \
	X(CRASH_COUNT, "crash-count", COUNT, 'c',                              \
	    "believes a count in a payload")                                   \
	X(CRASH_HALF, "crash-half-header", ECHO, 'c',                          \
	    "dies of an end inside a header")                                  \
	X(CRASH_SPLIT, "crash-split-header", ECHO, 'c',                        \
	    "dies of a header that comes in two reads")                        \
	X(CRASH_SILENT, "crash-silent", ECHO, 'c',                             \
	    "dies of a client that leaves without a word")                     \
	X(CRASH_RESET, "crash-reset", ECHO, 'f',                               \
	    "dies of a connection that is reset")                              \
	X(CRASH_ID, "crash-peerid", ECHO, 'c',                                 \
	    "dies of a peerid that is no index of its table")                  \
	X(CRASH_PID, "crash-pid", ECHO, 'c', "dies of a pid of -1")            \
	X(HANGS, "hangs-length-0", ECHO, 'f',                                  \
	    "looks at a message of length 0 for ever")                         \
	X(CRASH_PAGE, "crash-page", ECHO, 'c',                                 \
	    "dies of a payload over 4096 bytes")                               \
	X(CRASH_NEGATIVE, "crash-negative-type", ECHO, 'c',                    \
	    "dies of a type that is negative for it")                          \
	X(CRASH_TYPE_0, "crash-type-0", ECHO, 'c', "dies of type 0")           \
	X(CRASH_TWO_FDS, "crash-two-descriptors", ECHO, 'c',                   \
	    "dies of two descriptors at once")                                 \
	X(CRASH_UNMARKED, "crash-unmarked-descriptor", ECHO, 'c',              \
	    "dies of a descriptor without a mark")                             \
	X(CRASH_PART, "crash-half-payload", ECHO, 'c',                         \
	    "dies of an end inside a payload")                                 \
	X(CRASH_TEXT, "crash-text", ECHO, 'c',                                 \
	    "dies of a payload without a zero")                                \
	X(CRASH_BEHIND, "crash-behind", ECHO, 'c',                             \
	    "dies of a wrong length behind a message of the same read")        \
	X(CRASH_SECOND, "crash-second-refused", ECHO, 'f',                     \
	    "dies of the second length that it refuses")                       \
	X(CRASH_UNREAD, "crash-unread", ECHO, 'f',                             \
	    "dies of the end of a client that has not read its answers")       \
	X(CRASH_THOUSAND, "crash-thousand", ECHO, 'f',                         \
	    "dies of the thousandth message of a client")                      \
	X(CRASH_EIGHT, "crash-eight", ECHO, 'f',                               \
	    "dies of eight messages in a read")
