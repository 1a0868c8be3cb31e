# Copyright (c) 2026 the imsg for the JVM authors
#
# Permission to use, copy, modify, and/or distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

# check.sh OUT MAKEFLAGS: runs every test on what make built in OUT; silent under make -s unless one fails.
out=$1
set -- $2
quiet=no
case ${1-} in
--*) ;;
*s*) quiet=yes ;;
esac

fail() {
	echo "check: $*" >&2
	exit 1
}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

total=0
for format in modern classic; do
	peer=$out/imsg-peer-$format
	n=$("$out/check-lib-$format") || fail "the library ($format)"
	m=$("$out/check-peer-$format" "$peer") || fail "imsg-peer ($format)"

	# Two peers over a socket in the file system, one that a dead peer seems to have left behind.
	rm -f "$dir/sock"
	: >"$dir/out"
	"$peer" -l "$dir/sock" sink >"$dir/out" 2>"$dir/err" &
	until grep -q listening "$dir/out"; do kill -0 $! 2>/dev/null || fail "-l did not listen: $(cat "$dir/err")"; done
	kill -9 $!
	wait $! 2>/dev/null
	[ -S "$dir/sock" ] || fail "-l: no socket"
	: >"$dir/out"
	"$peer" -l "$dir/sock" sink >"$dir/out" 2>"$dir/err" &
	until grep -q listening "$dir/out"; do kill -0 $! 2>/dev/null || fail "-l did not listen again: $(cat "$dir/err")"; done
	"$peer" -c "$dir/sock" -n 1000 -z 100 source || fail "-c source ($format)"
	wait $! || fail "-l sink ($format): $(cat "$dir/err")"
	[ "$(cat "$dir/out")" = "listening
messages=1000 bytes=100000 descriptors=0 sum=12890400" ] || fail "-l sink ($format): $(cat "$dir/out")"
	[ ! -e "$dir/sock" ] || fail "-l left its socket behind"
	: >"$dir/file"
	"$peer" -l "$dir/file" sink >/dev/null 2>&1 && fail "-l took the place of a file"
	[ -f "$dir/file" ] || fail "-l removed a file"
	"$peer" -c "$dir/none" sink 2>/dev/null
	[ $? -eq 1 ] || fail "-c to nothing"
	total=$((total + n + m + 1))
done

"$out/layout-probe" >"$dir/json" || fail "layout-probe"
[ "$(grep -c '"struct msghdr.msg_iov":' "$dir/json")" -eq 2 ] || fail "layout-probe: $(cat "$dir/json")"
total=$((total + 1))

[ $quiet = yes ] || echo "check: $total tests passed"
