# For bin/imsg and make-cache, which set home: the Java that runs imsg, its options, and the name of the cache of loaded
# classes. The JVM does not notice that a jar has changed, so the name is a hash of all that the cache depends on.

jar=$home/share/imsg/imsg.jar
options='-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData --enable-native-access=ALL-UNNAMED'
# Most runs are so short that compiling costs more than it saves.
options="$options -XX:CompileThresholdScaling=10"
# Of the log, warnings go to standard error; a cache that the JVM refuses is no matter.
options="$options -Xlog:disable -Xlog:all=warning,aot*=off,cds*=off:stderr"

java=
for candidate in "$home/lib/imsg/bin/java" /usr/lib/jvm/*-25-*/bin/java /usr/lib/jvm/*-2[6-9]-*/bin/java \
    /usr/lib/jvm/*-[3-9][0-9]-*/bin/java; do
    if [ -x "$candidate" ]; then
        java=$candidate
        break
    fi
done
if [ -z "$java" ]; then
    echo 'imsg: needs Java 25 or newer, and there is none in /usr/lib/jvm' >&2
    exit 3
fi

key=$({
    printf '%s\n' "$jar" "$java" "$options"
    stat -L -c '%s %Y' "${java%/bin/java}/lib/modules" "${java%/bin/java}/lib/server/libjvm.so"
    [ ! -e "$home/share/imsg/image.sha256" ] || cat "$home/share/imsg/image.sha256"
    cat "$jar"
} 2>/dev/null | sha256sum)
key=${key%% *}

# For all users, where there is one: /var/cache/imsg of the package, var/cache/imsg beside bin otherwise.
shared=${home%/usr}/var/cache/imsg
