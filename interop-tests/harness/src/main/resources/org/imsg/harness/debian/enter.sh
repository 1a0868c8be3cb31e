# Runs a command in a private, writable copy of a chroot: enter CHROOT [option...] -- COMMAND [ARGUMENT...]
#   --file MODE PATH TEXT   writes a file there first
#   --bind HOST PATH        shows a file or directory of the host there
# Expects mount, PID and (for --lo) network namespaces of its own: all that is mounted here ends with them.
set -eu
cd "$1"
shift
mount -t tmpfs -o mode=755 tmpfs mnt
mkdir mnt/upper mnt/work mnt/root
mount -t overlay -o lowerdir=.,upperdir=mnt/upper,workdir=mnt/work overlay mnt/root
cd mnt/root
mount -t proc proc proc
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mkdir -p run/openbgpd run/openntpd
while [ "$1" != -- ]; do
    case $1 in
    --lo)
        ip link set lo up
        shift
        ;;
    --file)
        mkdir -p "./${3%/*}"
        printf %s "$4" >"./$3"
        chmod "$2" "./$3"
        shift 4
        ;;
    --bind)
        if [ -d "$2" ]; then
            mkdir -p "./$3"
        else
            mkdir -p "./${3%/*}"
            : >>"./$3"
        fi
        mount --bind "$2" "./$3"
        shift 3
        ;;
    *)
        echo "enter: $1?" >&2
        exit 64
        ;;
    esac
done
shift
exec chroot . "$@"
